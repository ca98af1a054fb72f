"""The whole command, killed again and again, beside a server that is stopped and started again."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

import harness
from harness.staging.histories import run_history
from harness.staging.ledger import Ledger
from harness.tracking.content.keys import metric_keys
from harness.tracking.mlflow.client import MlflowClient
from harness.tracking.mlflow.ui import start_ui
from harness.tracking.ui_server import UiServer

STUDY = """
from harness.data import Digits
from harness.growth import AtStep, AttachHead, GrowthRule, NoFreezing, OldParameters
from harness.models import MLP
from harness.search.space import Int
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig


def study() -> Study:
    head = AttachHead(name="late", outputs=4, tap="hidden.0")
    return Study(
        name="killed",
        title="A study that is killed",
        question="Does anything get lost?",
        base=RunConfig(
            task=Digits(classes={"known": (0, 1, 2, 3, 4, 5), "late": (6, 7, 8, 9)}),
            model=MLP(inputs=64, widths=(16,)),
            training=TrainingConfig(evaluate_every=50),
            growths=(GrowthRule(trigger=AtStep(step=300), operation=head, freeze=NoFreezing()),),
            steps=1000,
        ),
        space={"when": Int(field="growths.0.trigger.step", low=300, high=700, step=50)},
        arms={"frozen": {"growths.0.freeze": OldParameters()}, "unfrozen": {}},
        comparison=("unfrozen", "frozen"),
        trials=TRIALS,
        seeds=2,
    )
"""
# Ten take minutes; what a few do not find, HARNESS_KILLS=10 did not find either.
KILLS = int(os.environ.get("HARNESS_KILLS", "3"))
STOPPED = max(2, 2 * KILLS // 5)
STARTED_AGAIN = STOPPED + max(1, 3 * KILLS // 10)
TRIALS = max(4, KILLS)  # several runs for every kill
RUNS = TRIALS * 2 * 2
WAIT_S = 120.0
ALL_POINTS = ("--tracking-points", "all")
Points = dict[str, dict[str, list[tuple[int, float]]]]


def begin(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    root = str(Path(harness.__file__).parents[1])
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HARNESS_", "MLFLOW_"))}
    environment |= {"PYTHONPATH": root, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "harness", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def done(folder: Path, *arguments: str) -> str:
    process = begin(folder, *arguments)
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    return output


def kill_while_it_trains(folder: Path, uri: str, delay_s: float, *, deliverer: bool) -> None:
    """Start the study, or go on with it, and kill it some time after it has stored a stage.

    A stage in which four processes die with nothing stored in between is given up, which is tested elsewhere.
    """
    before = stages(folder)
    process = begin(folder, "run", "killed", "--tracking-uri", uri, *ALL_POINTS, "--system-metrics")
    limit = time.monotonic() + WAIT_S
    while stages(folder) <= before:
        assert process.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.05)
    time.sleep(delay_s)
    children = psutil.Process(process.pid).children()
    process.kill()
    for child in children if deliverer else ():
        child.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def stages(folder: Path) -> int:
    return len([*(folder / "runs" / "store").rglob("ending.safetensors")])


def in_ledger(home: Path) -> Points:
    points = {}
    for run in Ledger(home).runs("killed"):
        history = run_history(home / "store", run.stages)
        keys = metric_keys(history)
        points[f"trial {run.trial} · {run.arm} · seed {run.seed}"] = {
            keys[name]: sorted(zip(history[name].steps, history[name].values, strict=True)) for name in history
        } | {"growth/flops_before": [(growth["step"], growth["flops_before"]) for growth in run.growths]}
    return points


def in_mlflow(client: MlflowClient) -> Points:
    return {
        str(run.info.run_name): {
            key: sorted((point.step, point.value) for point in client.get_metric_history(run.info.run_id, key))
            for key in run.data.metrics
            if not key.startswith(("final/", "system/"))
        }
        for run in client.search_runs(["1"], "tags.arm LIKE '%'")
    }


def finished(client: MlflowClient) -> set[str]:
    runs = client.search_runs(["1"], "tags.arm LIKE '%'") if client.get_experiment_by_name("killed") else []
    return {str(run.info.run_name) for run in runs if run.info.status == "FINISHED"}


@pytest.mark.campaign
def test_kills_and_a_server_that_was_away_leave_mlflow_equal_to_the_ledger(
    tmp_path: Path, new_database: Callable[[Path], str], port: int
) -> None:
    (tmp_path / "studies" / "killed").mkdir(parents=True)
    (tmp_path / "studies" / "killed" / "study.py").write_text(STUDY.replace("TRIALS", str(TRIALS)))
    served, chance = tmp_path / "served", random.Random(0)
    new_database(served)
    server: UiServer | None = start_ui(served, port)
    uri = f"http://127.0.0.1:{port}"
    client = MlflowClient(tracking_uri=uri)
    try:
        for kill in range(1, KILLS + 1):
            if kill == STOPPED and server:
                os.killpg(server._process.pid, signal.SIGKILL)
                server.stop()
                server = None
            if kill == STARTED_AGAIN:
                server = start_ui(served, port)
            kill_while_it_trains(tmp_path, uri, chance.uniform(0.0, 0.5), deliverer=bool(kill % 2))
            if server:
                shown = finished(client)  # before the ledger: only what had ended by now may be shown so
                assert shown <= in_ledger(tmp_path / "runs").keys()
        left = RUNS - len(in_ledger(tmp_path / "runs"))
        done(tmp_path, "run", "killed", "--no-tracking")

        outputs = [done(tmp_path, "sync", "killed", "--tracking-uri", uri, *ALL_POINTS) for _ in range(2)]

        assert left > 0  # every kill hit a study that went on
        assert outputs == [f"killed: MLflow shows all that is known, {RUNS} runs.\n"] * 2
        shown_points, known = in_mlflow(client), in_ledger(tmp_path / "runs")
        assert shown_points.keys() == known.keys()
        assert [run for run in known if shown_points[run].keys() != known[run].keys()] == []
        # Whole histories are too long for pytest to say how they differ.
        assert [(run, key) for run in known for key in known[run] if shown_points[run][key] != known[run][key]] == []
        assert Counter(str(run.info.status) for run in client.search_runs(["1"])) == {"FINISHED": RUNS + 1}
    finally:
        if server:
            server.stop()

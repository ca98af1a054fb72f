"""The first study for real, small: from the command line to MLflow and the report."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from harness.staging.histories import run_history
from harness.staging.ledger import Ledger, RunRecord
from harness.tracking.mlflow.client import MlflowClient
from harness.tracking.mlflow.location import default_tracking_uri

UNREPORTED = (str(Path(__file__).with_name("unreported.py")),)
UNDRAWN = (str(Path(__file__).parents[1] / "undrawn.py"),)
STUDY, FIELDS = "digits-late-classes", ["steps=820", "training.evaluate_every=100"]
SET = [word for field in FIELDS for word in ("--set", field)]


def run_study(home: Path, *options: str, program: tuple[str, ...] = ("-m", "harness")) -> str:
    command = [sys.executable, *program, "run", STUDY, "--home", str(home), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "200"})
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def home(made_once: Callable[..., Path]) -> Path:
    """A home in which the study was run with two configurations and two seeds, briefly."""

    def run(folder: Path) -> None:
        printed = run_study(folder, "--trials", "2", "--seeds", "2", "--device", "cpu", *SET, program=UNDRAWN)
        (folder / "printed.txt").write_text(printed)

    return made_once("first", run)


def runs(home: Path) -> list[RunRecord]:
    return Ledger(home).runs(STUDY)


def results(home: Path) -> list[dict[str, object]]:
    """Everything that must repeat to the bit: all but the seconds."""
    return [
        {
            **{name: value for name, value in vars(run).items() if name != "metrics"},
            "metrics": {name: value.hex() for name, value in run.metrics.items() if name != "cost/seconds"},
            "history": run_history(home / "store", run.stages).to_bytes(),
        }
        for run in runs(home)
    ]


def test_every_run_of_the_plan_has_ended(home: Path) -> None:
    found = {(run.trial, run.arm, run.seed, run.status) for run in runs(home)}

    seeds, arms = ((0, 0), (0, 1), (1, 1000), (1, 1001)), ("frozen", "unfrozen", "trunk frozen")
    assert found == {(trial, arm, seed, "completed") for trial, seed in seeds for arm in arms}


def test_it_ends_with_the_verdict_the_report_and_the_way_to_the_ui(home: Path) -> None:
    *_, verdict, _blank, report, ui = (home / "printed.txt").read_text().splitlines()

    assert "Not enough data" in verdict
    assert report.split()[-1] == str(home / "reports" / STUDY / "report.html")
    assert f"harness ui {STUDY} --home {home}" in ui


def test_mlflow_has_a_parent_and_a_child_per_run(home: Path) -> None:
    client = MlflowClient(default_tracking_uri(home))
    experiment = client.get_experiment_by_name(STUDY)
    assert experiment is not None

    found = client.search_runs([experiment.experiment_id])

    parents = [run for run in found if "mlflow.parentRunId" not in run.data.tags]
    children = [run for run in found if "mlflow.parentRunId" in run.data.tags]
    assert [run.info.status for run in parents] == ["FINISHED"]
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parents[0].info.run_id}
    assert len(children) == len(runs(home))


def test_mlflow_shows_the_numbers_of_the_ledger(home: Path) -> None:
    client = MlflowClient(default_tracking_uri(home))
    experiment = client.get_experiment_by_name(STUDY)
    assert experiment is not None
    children = client.search_runs([experiment.experiment_id], "tags.arm LIKE '%'")
    shown = {(int(r.data.tags["trial"]), r.data.tags["arm"], int(r.data.tags["seed"])): r for r in children}

    for run in runs(home):
        data = shown[run.trial, run.arm, run.seed].data
        assert data.metrics["test/accuracy/all"] == run.metrics["test/accuracy/all"]
        assert data.params["when"] == str(run.params["when"])
        points = client.get_metric_history(shown[run.trial, run.arm, run.seed].info.run_id, "val/loss/late")
        history = run_history(home / "store", run.stages)["val/loss/late"]
        assert {point.step: point.value for point in points} == dict(zip(history.steps, history.values, strict=True))


def test_the_resolved_configuration_is_an_artifact(home: Path) -> None:
    client = MlflowClient(default_tracking_uri(home))
    experiment = client.get_experiment_by_name(STUDY)
    assert experiment is not None
    child = client.search_runs(
        [experiment.experiment_id], "tags.trial = '0' AND tags.arm = 'frozen' AND tags.seed = '1'"
    )

    path = client.download_artifacts(child[0].info.run_id, "config.json")

    expected = next(run for run in runs(home) if (run.trial, run.arm, run.seed) == (0, "frozen", 1))
    assert json.loads(Path(path).read_text()) == expected.config
    assert expected.config["growths"][0]["freeze"]["kind"] == "old_parameters"
    assert expected.config["device"] == "cpu"


def test_the_report_on_disk_holds_every_run(home: Path) -> None:
    folder = home / "reports" / STUDY

    table = pd.read_parquet(folder / "data" / "runs.parquet")
    page = (folder / "report.html").read_text()

    assert len(table) == len(runs(home))
    assert page.count("<figure") == page.count("<figcaption") >= len(list((folder / "figures").glob("*.png"))) >= 3
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert (folder / "report.md").read_text().startswith("#")


def test_both_arms_continue_from_one_stage(home: Path) -> None:
    first_stages: dict[tuple[int, int], set[object]] = {}
    for run in runs(home):
        first_stages.setdefault((run.trial, run.seed), set()).add(run.stages[0])

    assert [len(stages) for stages in first_stages.values()] == [1, 1, 1, 1]


def test_running_it_again_adds_nothing(home: Path) -> None:
    before = results(home)

    printed = run_study(home, "--no-tracking", "--device", "cpu", *SET, program=UNREPORTED)

    assert results(home) == before
    assert "trial" not in printed


def test_a_fresh_home_gives_identical_metrics_tracked_or_not(
    home: Path, tmp_path: Path, train_alone: Callable[..., Ledger]
) -> None:
    for number in (1, 2):
        train_alone(tmp_path / "home", "device=cpu", *FIELDS, trials=number, seeds=number)

    assert results(tmp_path / "home") == results(home)

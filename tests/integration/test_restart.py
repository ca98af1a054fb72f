"""A PostgreSQL server that is stopped, as by a loss of power, and started again in the middle of a study."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import harness
from harness.benchmarks.postgres_server import postgres_server
from harness.staging.histories import run_history
from harness.staging.ledger import Ledger

ROOT = Path(harness.__file__).parents[1]
FIELDS = ["steps=3000", "training.evaluate_every=25"]
SIZES = ["--trials", "2", "--seeds", "1", "--no-tracking", *(word for field in FIELDS for word in ("--set", field))]
STUDY = "digits-late-classes"


def begin(folder: Path, storage: str, *options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "harness", "run", STUDY, *SIZES, "--home", str(folder), "--storage", storage]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [*command, *options],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.postgres
def test_a_server_that_goes_and_comes_back_costs_time_and_nothing_else(
    tmp_path: Path, train_alone: Callable[..., Ledger]
) -> None:
    expected = train_alone(tmp_path / "alone", *FIELDS, trials=2, seeds=1).runs(STUDY)
    with postgres_server() as server:
        if server is None:
            pytest.skip("no PostgreSQL server binaries")
        launch, times = begin(tmp_path / "home", server.url, "--workers", "2"), 0
        while launch.poll() is None and times < 2:
            if list((tmp_path / "home" / "store").rglob("state.safetensors")):
                time.sleep(1)
                server.stop()
                time.sleep(3)
                server.start()
                times += 1
            time.sleep(0.05)

        said = launch.communicate()[1]

        assert launch.returncode == 0, said
        assert times
        assert "trying again" in said
        ledger = Ledger(tmp_path, server.url)
        runs = ledger.runs(STUDY)
        ledger.database.close()
    assert [run.key for run in runs] == [run.key for run in expected]
    for one, other in zip(runs, expected, strict=True):
        assert one.stages == other.stages
        assert run_history(tmp_path / "home" / "store", one.stages) == run_history(
            tmp_path / "alone" / "store", other.stages
        )

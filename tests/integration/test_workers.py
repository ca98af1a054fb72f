"""Workers on one PostgreSQL server, some of which are killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import harness
from harness.search.load import load_study
from harness.search.preview import preview_runs
from harness.staging.ledger import Ledger

ROOT = Path(harness.__file__).parents[1]
UNREPORTED = str(Path(__file__).with_name("unreported.py"))
SIZES = ("--trials", "2", "--seeds", "2", "--set", "steps=3000", "--set", "training.evaluate_every=500")
FILE = ROOT / "studies" / "digits-late-classes" / "study.py"
STUDY, NAME = "digits-late-classes", "digits-killed"

Process = subprocess.Popen[str]


def begin(folder: Path, storage: str, *command: str) -> Process:
    """Begin a command of `harness` as on a machine of its own, with the folder of stages shared."""
    place = ["--store", str(folder / "stages"), "--home", str(folder / "home"), "--storage", storage]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    whole = [sys.executable, UNREPORTED, *command, *place]
    return subprocess.Popen(
        whole, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def owners(ledger: Ledger) -> list[str]:
    """Return who is training a stage."""
    with ledger.database.transaction() as transaction:
        rows = transaction.rows("SELECT owner FROM leases WHERE expires > {now} AND name NOT LIKE 'proposals%'")
    return [owner for (owner,) in rows]


def kill_in_mid_run(ledger: Ledger, process: Process) -> None:
    """Kill the process as soon as it is training a stage."""
    while process.poll() is None:
        if any(f", {process.pid}, " in owner for owner in owners(ledger)):
            os.kill(process.pid, signal.SIGKILL)
        time.sleep(0.05)


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.postgres
def test_two_of_four_workers_are_killed_and_every_run_is_done_once(postgres: str, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, postgres)
    ledger.create()
    launch = begin(tmp_path, postgres, "run", STUDY, "--no-tracking", "--as", NAME, *SIZES)
    while not any(study.name == NAME for study in ledger.studies()):
        assert launch.poll() is None, launch.communicate()[0]
        time.sleep(0.1)
    workers = [begin(tmp_path, postgres, "worker", NAME) for _ in range(3)]

    for process in (launch, workers[0]):
        kill_in_mid_run(ledger, process)

    said = [process.communicate()[0] for process in (launch, *workers)]
    assert [process.returncode for process in (launch, workers[0])] == [-signal.SIGKILL, -signal.SIGKILL]
    assert [worker.returncode for worker in workers[1:]] == [0, 0], said
    runs = ledger.runs(NAME)
    assert {run.key for run in runs} == {run.key for run in preview_runs(load_study(FILE), None, 2, 2)}
    assert [run.reason for run in runs if run.status != "completed"] == []
    assert owners(ledger) == []
    again = begin(tmp_path, postgres, "worker", NAME)
    assert "All runs" in again.communicate()[0]
    assert ledger.runs(NAME) == runs
    ledger.database.close()

"""Two launches, as on two machines, that share a PostgreSQL database and a folder of stages."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import harness
from harness.staging.histories import run_history
from harness.staging.ledger import Ledger
from harness.staging.store import Store

ROOT = Path(harness.__file__).parents[1]
UNREPORTED = str(Path(__file__).with_name("unreported.py"))
NAME = "digits-two-launches"
FIELDS = ["steps=820", "training.evaluate_every=100"]


def begin(folder: Path, name: str, storage: str) -> "subprocess.Popen[str]":
    """Begin `harness run` in a home of its own."""
    sizes = ["--trials", "2", "--seeds", "1", *(word for field in FIELDS for word in ("--set", field))]
    places = ["--no-tracking", "--store", str(folder / "stages"), "--home", str(folder / name)]
    command = [sys.executable, UNREPORTED, "run", "digits-late-classes", "--as", NAME, *sizes, *places]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HARNESS_STORAGE": storage}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.slow
@pytest.mark.postgres
def test_two_launches_do_every_run_once_and_to_the_same_numbers(
    postgres: str, tmp_path: Path, train_alone: Callable[..., Ledger]
) -> None:
    expected = train_alone(tmp_path / "alone", *FIELDS, trials=2, seeds=1, name=NAME)
    launches = [begin(tmp_path, name, postgres) for name in ("one", "two")]

    said = [launch.communicate() for launch in launches]

    assert [launch.returncode for launch in launches] == [0, 0], said[0][1][-3000:]
    shared = Ledger(tmp_path, postgres)
    runs = {run.key: run for run in shared.runs(NAME)}
    assert len(runs) == 6
    for run in expected.runs(NAME):
        one = run_history(tmp_path / "alone" / "store", run.stages)
        assert run_history(tmp_path / "stages", runs[run.key].stages) == one
    wanted = {entry.address for entry in Store(tmp_path / "x", expected).entries()}
    keys = {address.key for address in wanted}
    stored = [entry.address for entry in Store(tmp_path / "stages", shared).entries() if entry.address.key in keys]
    assert sorted(stored, key=str) == sorted(wanted, key=str)
    shared.database.close()

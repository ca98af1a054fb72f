"""Workers that a Ray of this machine places, one of which is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

import harness
from harness.staging.histories import run_history
from harness.staging.ledger import Ledger, RunRecord

ROOT = Path(harness.__file__).parents[1]
UNREPORTED = str(Path(__file__).with_name("unreported.py"))
STUDY = "digits-late-classes"
SIZES = ["--trials", "1", "--seeds", "1", "--no-tracking"]
ON_RAY = ["--launcher", "ray", "--workers", "2"]


def begin(folder: Path, *options: str, steps: int) -> "subprocess.Popen[str]":
    command = [sys.executable, UNREPORTED, "run", STUDY, *SIZES, "--set", f"steps={steps}", *options]
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    return subprocess.Popen(
        [*command, "--home", str(folder)],
        cwd=ROOT,
        env=environment | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def actors(launch: "subprocess.Popen[str]") -> list[psutil.Process]:
    found = psutil.Process(launch.pid).children(recursive=True)
    return [process for process in found if process.name().startswith("ray::_Actor")]


def wait_until_trained(launch: "subprocess.Popen[str]", folder: Path) -> None:
    while launch.poll() is None and not list((folder / "store").rglob("state.safetensors")):
        time.sleep(0.05)


def numbers(folder: Path) -> dict[object, object]:
    runs: list[RunRecord] = Ledger(folder).runs(STUDY)
    return {run.key: (run.stages, run_history(folder / "store", run.stages)) for run in runs}


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.ray
def test_an_actor_that_is_killed_is_replaced_and_changes_no_number(
    tmp_path: Path, train_alone: Callable[..., Ledger]
) -> None:
    train_alone(tmp_path / "alone", "steps=2500", trials=1, seeds=1)
    launch = begin(tmp_path / "ray", *ON_RAY, steps=2500)
    wait_until_trained(launch, tmp_path / "ray")
    while launch.poll() is None and len(placed := actors(launch)) < 2:
        time.sleep(0.05)
    max(placed, key=lambda actor: actor.cpu_times().user).kill()

    said = launch.communicate()[1]

    assert launch.returncode == 0, said
    assert len(placed) == 2
    assert "was lost with its process or its machine (ActorDiedError" in said
    assert numbers(tmp_path / "ray") == numbers(tmp_path / "alone")
    assert len(numbers(tmp_path / "ray")) == 3


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.ray
def test_ctrl_c_stores_what_is_trained_and_leaves_no_process(tmp_path: Path) -> None:
    launch = begin(tmp_path, *ON_RAY, steps=30_000)
    wait_until_trained(launch, tmp_path)
    started = psutil.Process(launch.pid).children(recursive=True)

    launch.send_signal(signal.SIGINT)

    said = launch.communicate(timeout=60)[1]
    assert launch.returncode == 130, said
    assert "the same command continues where this one stopped" in said
    assert "Traceback" not in said
    assert psutil.wait_procs(started, timeout=20)[1] == []
    with Ledger(tmp_path).database.transaction() as transaction:
        assert transaction.rows("SELECT name FROM leases WHERE expires > 0") == []

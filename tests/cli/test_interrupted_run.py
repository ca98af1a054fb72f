import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import harness
from harness.core.errors import HomeError
from harness.staging.ledger import Ledger
from harness.staging.store import Store

ROOT = Path(harness.__file__).parents[1]
LONG = ["--set", "steps=100000", "--set", "training.evaluate_every=1000", "--trials", "1"]


def running(workplace: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "harness", "run", "tiny", *LONG, *options]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=workplace, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def wait_for_a_stage(home: Path) -> None:
    for _ in range(2400):
        time.sleep(0.1)
        with suppress(HomeError):  # as long as there are no tables
            if Store(home / "store", Ledger(home)).entries():
                return
    raise AssertionError("no stage was stored within four minutes")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "options"),
    [
        (signal.SIGINT, ["--no-tracking"]),
        pytest.param(signal.SIGINT, ["--workers", "2"], marks=pytest.mark.campaign),
        pytest.param(signal.SIGTERM, ["--no-tracking"], marks=pytest.mark.campaign),
        pytest.param(signal.SIGTERM, ["--workers", "2"], marks=pytest.mark.campaign),
    ],
)
def test_an_interrupted_study_stops_at_a_step_and_says_how_to_go_on(
    workplace: Path, number: signal.Signals, options: list[str]
) -> None:
    for process in running(workplace, *options):
        wait_for_a_stage(workplace / "runs")
        time.sleep(0.5)

        process.send_signal(number)
        _, said = process.communicate(timeout=240)

        assert process.returncode == 130
        assert "Traceback" not in said
        assert "stopping once what is done is stored" in said
        assert "the same command continues where this one stopped" in said

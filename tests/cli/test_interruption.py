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
from harness.cli.interruption import Interruption
from harness.core.errors import HomeError
from harness.staging.ledger import Ledger
from harness.staging.store import Store

ROOT = Path(harness.__file__).parents[1]
LONG = ["--set", "steps=100000", "--set", "training.evaluate_every=1000", "--trials", "1"]


@pytest.fixture
def handler_of_a_terminal() -> Iterator[None]:
    """Let Ctrl-C raise, as in a terminal; a shell has what it runs in the background ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("handler_of_a_terminal")
def test_it_asks_once_and_then_lets_signals_through(capsys: pytest.CaptureFixture[str]) -> None:
    with Interruption() as stop:
        assert not stop()
        os.kill(os.getpid(), signal.SIGINT)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)

    assert "stopping after this step" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_it_leaves_the_handlers_as_they_were() -> None:
    before = signal.getsignal(signal.SIGTERM)

    with Interruption():
        assert signal.getsignal(signal.SIGTERM) != before

    assert signal.getsignal(signal.SIGTERM) == before


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
        assert "stopping after this step" in said
        assert "the same command continues where this one stopped" in said

import faulthandler
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, MutableSequence
from pathlib import Path

import pytest

import harness
from harness.core.errors import StoreError
from harness.search.heartbeat import Heartbeat
from harness.search.launchers import processes
from harness.search.launchers.processes import Processes
from harness.search.worker import WorkerConfig
from harness.staging.workspace import Workspace

CONFIG = WorkerConfig(Workspace(Path()))


def leave(*_: object) -> None:
    os._exit(7)


def sleep(_config: WorkerConfig, values: MutableSequence[int], *_: object) -> None:
    faulthandler.disable()  # pytest's, which a forked process has as well
    values[:] = [3, 1, 2, 1]
    time.sleep(600)


@pytest.fixture
def launcher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Processes]:
    monkeypatch.syspath_prepend(str(Path(harness.__file__).parents[1]))  # workers import this file
    launcher = Processes()
    with launcher.opened():
        yield launcher


@pytest.fixture
def forking(launcher: Processes, monkeypatch: pytest.MonkeyPatch) -> Processes:
    """A launcher whose workers need not load anything, since how they end is all that counts."""
    monkeypatch.setattr(processes, "SPAWN", multiprocessing.get_context("fork"))
    return launcher


def test_an_exit_code_is_a_death(forking: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_work", leave)

    worker = forking.start(CONFIG)
    worker.join()

    assert (worker.exit_reason(), worker.error()) == ("ended with exit code 7", None)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (signal.SIGKILL, "killed by SIGKILL, as the system does when memory runs out"),
        (signal.SIGSEGV, "killed by SIGSEGV"),
    ],
)
def test_a_signal_is_named_and_the_last_pulse_outlives_it(
    forking: Processes, monkeypatch: pytest.MonkeyPatch, number: int, said: str
) -> None:
    monkeypatch.setattr(processes, "_work", sleep)
    worker = forking.start(CONFIG)
    while worker.heartbeat().run < 0:
        time.sleep(0.05)
    assert (worker.exit_reason(), worker.error()) == ("", None)

    os.kill(worker._process.pid, number)  # type: ignore[attr-defined]
    worker.join()

    assert (worker.exit_reason(), worker.heartbeat()) == (said, Heartbeat(3, 1, 2, 1))


def test_who_lost_its_launch_is_asked_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    stops = list[bool]()
    monkeypatch.setattr(processes, "run_worker", lambda *given: stops.append(given[-1]()))
    monkeypatch.setattr("harness.search.launchers.processes.signal.signal", lambda *_: None)
    ours, _ = processes.SPAWN.Pipe()

    for parent in (os.getppid(), os.getppid() + 1):
        processes._work(CONFIG, [], ours, parent)

    assert stops == [False, True]


@pytest.mark.slow
def test_what_no_other_would_do_better_at_is_a_complaint(launcher: Processes, tmp_path: Path) -> None:
    gone = WorkerConfig(Workspace(tmp_path), file=tmp_path / "gone.py")

    worker = launcher.start(gone)
    worker.join()

    error = worker.error()
    assert worker.exit_reason() == ""
    assert error
    assert "gone.py" in str(error)
    assert not isinstance(error, StoreError)

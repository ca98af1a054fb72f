import os
import signal
import time
from collections.abc import Iterator, MutableSequence
from pathlib import Path

import pytest

import harness
from harness.core.errors import StoreError
from harness.search.errand import Pulse, Workplace
from harness.search.launchers import processes
from harness.search.launchers.processes import Processes

PLACE = Workplace(None, Path(), None, Path(), None, alone=False, features=False, live=False)


def leave(*_: object) -> None:
    os._exit(7)


def sleep(_place: Workplace, cells: MutableSequence[int], *_: object) -> None:
    cells[:] = [3, 1, 2, 1]
    time.sleep(600)


@pytest.fixture
def launcher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Processes]:
    monkeypatch.syspath_prepend(str(Path(harness.__file__).parents[1]))  # workers import this file
    launcher = Processes()
    with launcher.opened():
        yield launcher


@pytest.mark.slow
def test_an_exit_code_is_a_death(launcher: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_work", leave)

    worker = launcher.start(PLACE)
    worker.join()

    assert (worker.death(), worker.complaint()) == ("ended with exit code 7", None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "said"),
    [
        (signal.SIGKILL, "killed by SIGKILL, as the system does when memory runs out"),
        (signal.SIGSEGV, "killed by SIGSEGV"),
    ],
)
def test_a_signal_is_named_and_the_last_pulse_outlives_it(
    launcher: Processes, monkeypatch: pytest.MonkeyPatch, number: int, said: str
) -> None:
    monkeypatch.setattr(processes, "_work", sleep)
    worker = launcher.start(PLACE)
    while worker.pulse().run < 0:
        time.sleep(0.05)
    assert (worker.death(), worker.complaint()) == ("", None)

    os.kill(worker._process.pid, number)  # type: ignore[attr-defined]
    worker.join()

    assert (worker.death(), worker.pulse()) == (said, Pulse(3, 1, 2, 1))


def test_who_lost_its_launch_is_asked_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    told = list[bool]()
    monkeypatch.setattr(processes, "do_errands", lambda *given: told.append(given[-1]()))
    monkeypatch.setattr("harness.search.launchers.processes.signal.signal", lambda *_: None)
    ours, _ = processes.SPAWN.Pipe()

    for parent in (os.getppid(), os.getppid() + 1):
        processes._work(PLACE, [], ours, parent)

    assert told == [False, True]


@pytest.mark.slow
def test_what_no_other_would_do_better_at_is_a_complaint(launcher: Processes, tmp_path: Path) -> None:
    gone = Workplace(tmp_path / "gone.py", tmp_path, None, tmp_path, None, alone=False, features=False, live=False)

    worker = launcher.start(gone)
    worker.join()

    complaint = worker.complaint()
    assert worker.death() == ""
    assert complaint
    assert "gone.py" in str(complaint)
    assert not isinstance(complaint, StoreError)

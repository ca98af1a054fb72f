from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from harness.core.errors import HarnessError, StoreError
from harness.search.crew import STARTING, Crew, crew_of
from harness.search.errand import IDLE, Errand, Pulse
from harness.search.launchers import AbstractLauncher, AbstractWorker

ERRAND = Errand([], {}, None, Path(), None, Path(), None, alone=False, features=False, live=False)
TIMEOUT_S = 3.0


class Told(AbstractWorker):
    """Is as it is told to be."""

    def __init__(self) -> None:
        self.now = IDLE
        self.died = ""
        self.says: HarnessError | None = None
        self.heard: list[str] = []

    def pulse(self) -> Pulse:
        return self.now

    def death(self) -> str:
        return self.died

    def complaint(self) -> HarnessError | None:
        return self.says

    def ask_to_stop(self) -> None:
        self.heard.append("stop")

    def kill(self) -> None:
        self.heard.append("kill")

    def join(self) -> None:
        self.heard.append("join")


class Launcher(AbstractLauncher):
    """Remembers whom it started."""

    def __init__(self) -> None:
        self.started: list[Told] = []

    def opened(self) -> AbstractContextManager[None]:
        return nullcontext()

    def start(self, errand: Errand) -> AbstractWorker:
        assert errand is ERRAND
        self.started.append(Told())
        return self.started[-1]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, as one element that a test may change."""
    now = [100.0]
    monkeypatch.setattr("harness.search.crew.time.monotonic", lambda: now[0])
    return now


def look_on(crew: Crew, clock: list[float], looks: int, every_s: float = 1.0) -> list[int]:
    found = []
    for _ in range(looks):
        clock[0] += every_s
        found += crew.replace_the_hung()
    return found


def test_who_makes_no_step_is_killed_and_replaced(clock: list[float]) -> None:
    launcher = Launcher()
    crew = Crew(launcher, ERRAND, 2, TIMEOUT_S)
    hangs, works = launcher.started
    hangs.now = Pulse(5, 1, 2)

    found = []
    for beat in range(6):
        works.now = Pulse(3, 1, 2 + beat)
        found += look_on(crew, clock, 1)

    assert found == [5]
    assert (hangs.heard, works.heard) == (["kill", "join"], [])
    assert len(launcher.started) == 3


def test_before_its_first_step_a_run_has_longer(clock: list[float]) -> None:
    launcher = Launcher()
    crew = Crew(launcher, ERRAND, 1, TIMEOUT_S)
    launcher.started[0].now = Pulse(0, 7, 7)
    allowed = int(TIMEOUT_S * STARTING)

    assert look_on(crew, clock, allowed + 1) == []
    assert look_on(crew, clock, 1) == [0]


def test_who_has_no_run_yet_does_not_hang(clock: list[float]) -> None:
    launcher = Launcher()

    assert look_on(Crew(launcher, ERRAND, 1, TIMEOUT_S), clock, 1000) == []


def test_a_launch_that_was_suspended_has_not_seen_anybody_hang(clock: list[float]) -> None:
    launcher = Launcher()
    crew = Crew(launcher, ERRAND, 1, TIMEOUT_S)
    launcher.started[0].now = Pulse(0, 1, 2)

    assert look_on(crew, clock, 2, every_s=3600) == []


def test_without_a_timeout_nobody_hangs(clock: list[float]) -> None:
    launcher = Launcher()
    crew = Crew(launcher, ERRAND, 1, None)
    launcher.started[0].now = Pulse(0, 1, 2)

    assert look_on(crew, clock, 1000) == []


def test_who_died_is_replaced_and_what_of_is_kept_by_run() -> None:
    launcher = Launcher()
    crew = Crew(launcher, ERRAND, 2, None)
    launcher.started[1].now, launcher.started[1].died = Pulse(4, 1, 2), "killed by SIGKILL"

    assert [crew.replace_the_dead(), crew.replace_the_dead()] == [1, 0]

    assert crew.deaths == {4: ["killed by SIGKILL"]}
    assert len(launcher.started) == 3


def test_a_complaint_ends_the_whole() -> None:
    launcher = Launcher()

    def work() -> None:
        with crew_of(launcher, ERRAND, 2, None) as crew:
            launcher.started[1].says = StoreError("no room")
            crew.replace_the_dead()

    with pytest.raises(StoreError, match="no room"):
        work()

    assert [worker.heard for worker in launcher.started] == [["stop", "join"]] * 2


def test_a_second_interruption_kills() -> None:
    launcher = Launcher()

    with pytest.raises(KeyboardInterrupt), crew_of(launcher, ERRAND, 2, None):
        raise KeyboardInterrupt

    assert [worker.heard for worker in launcher.started] == [["kill", "join"]] * 2

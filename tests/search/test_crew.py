from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from harness.core.errors import HarnessError, StoreError
from harness.search.crew import STARTING, Crew, crew_of
from harness.search.errand import IDLE, Errand, Pulse, Workplace
from harness.search.launchers import AbstractLauncher, AbstractWorker

PLACE = Workplace(None, Path(), None, Path(), None, alone=False, features=False, live=False)
ERRAND, NEXT = Errand([], {}), Errand([{}], {})
TIMEOUT_S = 3.0
READY = Pulse(-1, 0, 0, 1)


class Told(AbstractWorker):
    """Is as it is told to be."""

    def __init__(self) -> None:
        self.now = IDLE
        self.died = ""
        self.says: HarnessError | None = None
        self.heard: list[str] = []
        self.errands: list[Errand] = []

    def take(self, errand: Errand) -> None:
        self.errands.append(errand)

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

    def start(self, place: Workplace) -> AbstractWorker:
        assert place is PLACE
        self.started.append(Told())
        return self.started[-1]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, as one element that a test may change."""
    now = [100.0]
    monkeypatch.setattr("harness.search.crew.time.monotonic", lambda: now[0])
    return now


def crew_with(launcher: Launcher, size: int, timeout_s: float | None) -> Crew:
    """Return a crew that was sent for an errand, each as soon as it was ready, and does its runs."""
    crew = Crew(launcher, PLACE, timeout_s)
    crew.send(ERRAND, size)
    for worker in launcher.started:
        worker.now = READY
    crew.look()
    return crew


def look_on(crew: Crew, clock: list[float], looks: int, every_s: float = 1.0) -> list[int]:
    found = []
    for _ in range(looks):
        clock[0] += every_s
        found += crew.look()
    return found


def test_who_makes_no_step_is_killed_and_replaced(clock: list[float]) -> None:
    launcher = Launcher()
    crew = crew_with(launcher, 2, TIMEOUT_S)
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
    crew = crew_with(launcher, 1, TIMEOUT_S)
    launcher.started[0].now = Pulse(0, 7, 7)
    allowed = int(TIMEOUT_S * STARTING)

    assert look_on(crew, clock, allowed + 1) == []
    assert look_on(crew, clock, 1) == [0]


def test_who_has_no_run_yet_does_not_hang(clock: list[float]) -> None:
    launcher = Launcher()

    assert look_on(crew_with(launcher, 1, TIMEOUT_S), clock, 1000) == []


def test_a_launch_that_was_suspended_has_not_seen_anybody_hang(clock: list[float]) -> None:
    launcher = Launcher()
    crew = crew_with(launcher, 1, TIMEOUT_S)
    launcher.started[0].now = Pulse(0, 1, 2)

    assert look_on(crew, clock, 2, every_s=3600) == []


def test_without_a_timeout_nobody_hangs(clock: list[float]) -> None:
    launcher = Launcher()
    crew = crew_with(launcher, 1, None)
    launcher.started[0].now = Pulse(0, 1, 2)

    assert look_on(crew, clock, 1000) == []


def test_who_died_is_replaced_and_what_of_is_kept_by_run() -> None:
    launcher = Launcher()
    crew = crew_with(launcher, 2, None)
    launcher.started[1].now, launcher.started[1].died = Pulse(4, 1, 2), "killed by SIGKILL"

    assert [crew.replace_the_dead(), crew.replace_the_dead()] == [1, 0]

    assert crew.deaths == {4: ["killed by SIGKILL"]}
    assert len(launcher.started) == 3


def test_a_complaint_ends_the_whole() -> None:
    launcher = Launcher()

    def work() -> None:
        with crew_of(launcher, PLACE, None) as crew:
            crew.send(ERRAND, 2)
            launcher.started[1].says = StoreError("no room")
            crew.replace_the_dead()

    with pytest.raises(StoreError, match="no room"):
        work()

    assert [worker.heard for worker in launcher.started] == [["stop", "join"]] * 2


def test_a_second_interruption_kills() -> None:
    launcher = Launcher()

    def work() -> None:
        with crew_of(launcher, PLACE, None) as crew:
            crew.send(ERRAND, 2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()

    assert [worker.heard for worker in launcher.started] == [["kill", "join"]] * 2


def test_an_interruption_while_all_stop_kills(monkeypatch: pytest.MonkeyPatch) -> None:
    launcher = Launcher()
    crew = crew_with(launcher, 2, None)

    def interrupted(worker: Told) -> None:
        worker.heard.append("join")
        if "kill" not in worker.heard:
            raise KeyboardInterrupt

    monkeypatch.setattr(Told, "join", interrupted)

    with pytest.raises(KeyboardInterrupt):
        crew.stop()

    assert [worker.heard for worker in launcher.started] == [["stop", "join", "kill", "join"], ["stop", "kill", "join"]]


def test_who_is_ready_is_sent_once_for_each_errand() -> None:
    launcher = Launcher()
    crew = Crew(launcher, PLACE, None)
    crew.send(ERRAND, 2)
    ready, starts = launcher.started
    ready.now = READY
    crew.look()
    crew.look()
    sent = [list(ready.errands), list(starts.errands)]

    crew.send(NEXT, 1)
    crew.look()
    busy = list(ready.errands)
    ready.now = READY._replace(ready=2)
    crew.look()
    crew.look()

    assert sent == [[ERRAND], []]
    assert busy == [ERRAND]
    assert ready.errands == [ERRAND, NEXT]
    assert launcher.started == [ready, starts]


def test_more_are_started_when_there_is_more_to_do() -> None:
    launcher = Launcher()
    crew = crew_with(launcher, 1, None)

    crew.send(NEXT, 3)

    assert len(launcher.started) == 3


def test_what_happens_at_the_errand_before_says_nothing_of_this_one(clock: list[float]) -> None:
    launcher = Launcher()
    crew = crew_with(launcher, 2, TIMEOUT_S)
    hangs, dies = launcher.started
    hangs.now = dies.now = Pulse(0, 1, 2, 1)
    crew.send(NEXT, 2)
    dies.died = "killed by SIGKILL"

    assert crew.replace_the_dead() == 1
    assert look_on(crew, clock, 6) == []

    assert crew.deaths == {}
    assert hangs.heard == ["kill", "join"]
    assert len(launcher.started) == 4

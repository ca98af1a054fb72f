from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from harness.core.errors import HarnessError, StoreError
from harness.search.heartbeat import IDLE, SEVERAL, Heartbeat
from harness.search.launchers import AbstractLauncher, AbstractWorker
from harness.search.worker import WorkerConfig, WorkItem
from harness.search.worker_pool import STARTUP_FACTOR, WorkerPool, worker_pool
from harness.staging.workspace import Workspace

CONFIG = WorkerConfig(Workspace(Path()))
ITEM, NEXT = WorkItem([], {}), WorkItem([{}], {})
TIMEOUT_S = 3.0
READY = Heartbeat(-1, 0, 0, 1)


class Scripted(AbstractWorker):
    """A worker whose state a test sets."""

    def __init__(self) -> None:
        self.now = IDLE
        self.exited = ""
        self.met: HarnessError | None = None
        self.calls: list[str] = []
        self.items: list[WorkItem] = []

    def submit(self, item: WorkItem) -> None:
        self.items.append(item)

    def heartbeat(self) -> Heartbeat:
        return self.now

    def exit_reason(self) -> str:
        return self.exited

    def error(self) -> HarnessError | None:
        return self.met

    def ask_to_stop(self) -> None:
        self.calls.append("stop")

    def kill(self) -> None:
        self.calls.append("kill")

    def join(self) -> None:
        self.calls.append("join")


class Launcher(AbstractLauncher):
    """Keeps the workers that it started."""

    def __init__(self) -> None:
        self.started: list[Scripted] = []

    def opened(self) -> AbstractContextManager[None]:
        return nullcontext()

    def start(self, config: WorkerConfig) -> AbstractWorker:
        assert config is CONFIG
        self.started.append(Scripted())
        return self.started[-1]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, as one element that a test may change."""
    now = [100.0]
    monkeypatch.setattr("harness.search.worker_pool.time.monotonic", lambda: now[0])
    return now


def pool_with(launcher: Launcher, size: int, timeout_s: float | None) -> WorkerPool:
    """Return a pool whose workers were all ready and had an item submitted to them."""
    pool = WorkerPool(launcher, CONFIG, timeout_s)
    pool.submit(ITEM, size)
    for worker in launcher.started:
        worker.now = READY
    pool.poll()
    return pool


def poll_for(pool: WorkerPool, clock: list[float], polls: int, every_s: float = 1.0) -> list[int]:
    hung = []
    for _ in range(polls):
        clock[0] += every_s
        hung += pool.poll()
    return hung


def test_who_makes_no_step_is_killed_and_replaced(clock: list[float]) -> None:
    launcher = Launcher()
    pool = pool_with(launcher, 2, TIMEOUT_S)
    hangs, works = launcher.started
    hangs.now = Heartbeat(5, 1, 2)

    hung = []
    for beat in range(6):
        works.now = Heartbeat(3, 1, 2 + beat)
        hung += poll_for(pool, clock, 1)

    assert hung == [5]
    assert (hangs.calls, works.calls) == (["kill", "join"], [])
    assert len(launcher.started) == 3


def test_of_runs_that_are_trained_together_none_is_given_up(clock: list[float]) -> None:
    launcher = Launcher()
    pool = pool_with(launcher, 1, TIMEOUT_S)
    launcher.started[0].now = Heartbeat(SEVERAL, 1, 2)

    assert poll_for(pool, clock, 6) == []
    assert launcher.started[0].calls == ["kill", "join"]
    assert len(launcher.started) == 2


def test_before_its_first_step_a_run_has_longer(clock: list[float]) -> None:
    launcher = Launcher()
    pool = pool_with(launcher, 1, TIMEOUT_S)
    launcher.started[0].now = Heartbeat(0, 7, 7)
    allowed = int(TIMEOUT_S * STARTUP_FACTOR)

    assert poll_for(pool, clock, allowed + 1) == []
    assert poll_for(pool, clock, 1) == [0]


def test_who_has_no_run_yet_does_not_hang(clock: list[float]) -> None:
    launcher = Launcher()

    assert poll_for(pool_with(launcher, 1, TIMEOUT_S), clock, 1000) == []


def test_a_launch_that_was_suspended_has_not_seen_anybody_hang(clock: list[float]) -> None:
    launcher = Launcher()
    pool = pool_with(launcher, 1, TIMEOUT_S)
    launcher.started[0].now = Heartbeat(0, 1, 2)

    assert poll_for(pool, clock, 2, every_s=3600) == []


def test_without_a_timeout_nobody_hangs(clock: list[float]) -> None:
    launcher = Launcher()
    pool = pool_with(launcher, 1, None)
    launcher.started[0].now = Heartbeat(0, 1, 2)

    assert poll_for(pool, clock, 1000) == []


def test_who_died_is_replaced_and_what_of_is_kept_by_run() -> None:
    launcher = Launcher()
    pool = pool_with(launcher, 2, None)
    launcher.started[1].now, launcher.started[1].exited = Heartbeat(4, 1, 2), "killed by SIGKILL"

    assert [pool.replace_the_dead(), pool.replace_the_dead()] == [1, 0]

    assert pool.exit_reasons == {4: ["killed by SIGKILL"]}
    assert len(launcher.started) == 3


def test_a_complaint_ends_the_whole() -> None:
    launcher = Launcher()

    def work() -> None:
        with worker_pool(launcher, CONFIG, None) as pool:
            pool.submit(ITEM, 2)
            launcher.started[1].met = StoreError("no room")
            pool.replace_the_dead()

    with pytest.raises(StoreError, match="no room"):
        work()

    assert [worker.calls for worker in launcher.started] == [["stop", "join"]] * 2


def test_a_second_interruption_kills() -> None:
    launcher = Launcher()

    def work() -> None:
        with worker_pool(launcher, CONFIG, None) as pool:
            pool.submit(ITEM, 2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()

    assert [worker.calls for worker in launcher.started] == [["kill", "join"]] * 2


def test_an_interruption_while_all_stop_kills(monkeypatch: pytest.MonkeyPatch) -> None:
    launcher = Launcher()
    pool = pool_with(launcher, 2, None)

    def interrupted(worker: Scripted) -> None:
        worker.calls.append("join")
        if "kill" not in worker.calls:
            raise KeyboardInterrupt

    monkeypatch.setattr(Scripted, "join", interrupted)

    with pytest.raises(KeyboardInterrupt):
        pool.stop()

    assert [worker.calls for worker in launcher.started] == [["stop", "join", "kill", "join"], ["stop", "kill", "join"]]


def test_who_is_ready_is_sent_once_for_each_errand() -> None:
    launcher = Launcher()
    pool = WorkerPool(launcher, CONFIG, None)
    pool.submit(ITEM, 2)
    ready, starts = launcher.started
    ready.now = READY
    pool.poll()
    pool.poll()
    sent = [list(ready.items), list(starts.items)]

    pool.submit(NEXT, 1)
    pool.poll()
    busy = list(ready.items)
    ready.now = READY._replace(ready=2)
    pool.poll()
    pool.poll()

    assert sent == [[ITEM], []]
    assert busy == [ITEM]
    assert ready.items == [ITEM, NEXT]
    assert launcher.started == [ready, starts]


def test_more_are_started_when_there_is_more_to_do() -> None:
    launcher = Launcher()
    pool = pool_with(launcher, 1, None)

    pool.submit(NEXT, 3)

    assert len(launcher.started) == 3


def test_what_happens_at_the_errand_before_says_nothing_of_this_one(clock: list[float]) -> None:
    launcher = Launcher()
    pool = pool_with(launcher, 2, TIMEOUT_S)
    hangs, dies = launcher.started
    hangs.now = dies.now = Heartbeat(0, 1, 2, 1)
    pool.submit(NEXT, 2)
    dies.exited = "killed by SIGKILL"

    assert pool.replace_the_dead() == 1
    assert poll_for(pool, clock, 6) == []

    assert pool.exit_reasons == {}
    assert hangs.calls == ["kill", "join"]
    assert len(launcher.started) == 4

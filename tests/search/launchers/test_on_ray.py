import threading
import time
from collections.abc import Callable, MutableSequence
from types import SimpleNamespace
from typing import Any

import pytest
import ray
from ray.exceptions import ActorDiedError, ActorUnavailableError, OutOfMemoryError, RayError

from harness.core.errors import InputError, InterruptedRunError, StoreError
from harness.search.heartbeat import IDLE, Heartbeat
from harness.search.launchers import on_ray
from harness.search.launchers.on_ray import OnRay
from harness.search.worker import WorkerConfig, WorkItem

CONFIG: Any = SimpleNamespace(pinned=False)
RunWorker = Callable[[WorkerConfig, Callable[[], WorkItem | None], MutableSequence[int], Callable[[], bool]], None]


class ActorDouble:
    """Stands for an actor, and for what Ray says of it; an answer of None has not come yet."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: object) -> None:
        self.answers, self.asked, self.killed = list(answers), 0, False
        monkeypatch.setattr(ray, "wait", lambda refs, timeout: (refs if self.answers[0] else [], timeout))
        monkeypatch.setattr(ray, "get", self._get)
        monkeypatch.setattr(ray, "kill", self._kill)
        self.poll = self.submit = self.ask_to_stop = self.wait = self

    def remote(self, *_: object) -> "ActorDouble":
        self.asked += 1
        return self

    def _get(self, _ref: object) -> object:
        answer = self.answers.pop(0)
        if isinstance(answer, RayError):
            raise answer
        return answer

    def _kill(self, _actor: object) -> None:
        self.killed = True


def test_the_latest_answer_counts_and_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    actor = ActorDouble(monkeypatch, (Heartbeat(1, 2, 3), None, False), None)
    worker = on_ray._OnRay(actor)

    assert [worker.heartbeat(), worker.heartbeat()] == [Heartbeat(1, 2, 3)] * 2
    assert (worker.exit_reason(), worker.error(), actor.killed) == ("", None, False)


def test_who_is_done_leaves_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    actor = ActorDouble(monkeypatch, (Heartbeat(1, 2, 3), StoreError("no room"), True))
    worker = on_ray._OnRay(actor)

    assert str(worker.error()) == "no room"
    assert (worker.exit_reason(), actor.killed) == ("", True)
    worker.join()
    assert actor.asked == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ActorDiedError(), "lost with its process or its machine (ActorDiedError: "),
        (OutOfMemoryError("much"), "killed by Ray, since the memory of its machine ran out"),
    ],
)
def test_a_loss_is_a_death(monkeypatch: pytest.MonkeyPatch, error: RayError, said: str) -> None:
    worker = on_ray._OnRay(ActorDouble(monkeypatch, (Heartbeat(1, 2, 3), None, False), error))
    worker.heartbeat()

    reason = worker.exit_reason()

    assert reason.startswith(said)
    assert "\n" not in reason
    assert worker.heartbeat() == Heartbeat(1, 2, 3)


def test_who_cannot_be_reached_for_a_moment_is_not_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    away = ActorUnavailableError("network", b"0" * 16)
    worker = on_ray._OnRay(ActorDouble(monkeypatch, away, (Heartbeat(1, 2, 3), None, False), None))

    assert worker.exit_reason() == ""
    assert worker.heartbeat() == Heartbeat(1, 2, 3)


@pytest.mark.parametrize("answer", [object(), ActorDiedError()])
def test_stopping_waits_for_it_dead_or_alive(monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
    actor = ActorDouble(monkeypatch, answer)
    worker = on_ray._OnRay(actor)

    worker.ask_to_stop()
    worker.join()

    assert (actor.asked, actor.answers) == (3, [])


def acting(monkeypatch: pytest.MonkeyPatch, work: RunWorker) -> on_ray._Actor:
    monkeypatch.setattr(on_ray, "run_worker", work)
    return on_ray._Actor(CONFIG)


def test_an_actor_answers_while_it_works_and_stops_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()

    def work(_config: WorkerConfig, _receive: object, values: MutableSequence[int], stop: Callable[[], bool]) -> None:
        values[:] = [4, 5, 6, 1]
        begun.set()
        while not stop():
            time.sleep(0.01)
        raise InterruptedRunError("asked to")

    actor = acting(monkeypatch, work)
    begun.wait()

    assert actor.poll() == (Heartbeat(4, 5, 6, 1), None, False)
    actor.ask_to_stop()
    actor.wait()
    assert actor.poll() == (Heartbeat(4, 5, 6, 1), None, True)


def test_an_actor_takes_what_it_is_sent_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_ray, "POLL_S", 0.01)
    received, items = list[WorkItem](), [WorkItem([], {}), WorkItem([{}], {})]

    def work(_config: WorkerConfig, receive: Callable[[], WorkItem | None], *_: object) -> None:
        while len(received) < 2:
            received.extend(item for item in [receive()] if item)

    actor = acting(monkeypatch, work)
    for item in items:
        actor.submit(item)
    actor.wait()

    assert received == items


def test_an_actor_complains_of_what_no_other_would_do_better_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(*_: object) -> None:
        raise StoreError("no room")

    actor = acting(monkeypatch, work)
    actor.wait()

    assert actor.poll()[0] == IDLE
    assert str(actor.poll()[1]) == "no room"


def test_an_actor_dies_of_what_nobody_foresaw(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = list[int]()
    monkeypatch.setattr("harness.search.launchers.on_ray.os._exit", codes.append)

    def work(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    acting(monkeypatch, work).wait()

    assert codes == [1]
    assert "ZeroDivisionError: a bug" in capsys.readouterr().err


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """What Ray has, without a Ray."""
    has: dict[str, float] = {"CPU": 2.0}
    monkeypatch.setattr(ray, "init", lambda *_, **__: None)
    monkeypatch.setattr(ray, "shutdown", lambda: has.update(down=1))
    monkeypatch.setattr(ray, "cluster_resources", lambda: has)
    return has


def test_more_than_the_machine_has_is_refused(cluster: dict[str, float]) -> None:
    with pytest.raises(InputError, match=r"expected 0\.5 GPU for each worker"), OnRay(gpus=0.5).opened():
        pass

    assert "down" in cluster


def test_a_worker_asks_for_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    actor, asked = ActorDouble(monkeypatch, None), dict[str, float]()

    class Made:
        @staticmethod
        def options(**share: float) -> "Made":
            asked.update(share)
            return Made()

        def remote(self, _config: WorkerConfig) -> ActorDouble:
            return actor

    monkeypatch.setattr(ray, "remote", lambda _actor: Made)

    worker = OnRay(cpus=2, gpus=0.25).start(CONFIG)

    assert asked == {"num_cpus": 2, "num_gpus": 0.25}
    assert worker.heartbeat() == IDLE


@pytest.mark.usefixtures("cluster")
def test_a_cluster_may_grow(caplog: pytest.LogCaptureFixture) -> None:
    with OnRay("10.0.0.1:6379", gpus=0.5).opened():
        pass

    assert "workers wait until a machine with so many joins it" in caplog.text


def test_a_cluster_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ConnectionError("nobody\nthere")

    monkeypatch.setattr(ray, "init", refuse)

    with pytest.raises(InputError, match=r"expected a Ray cluster at '10\.0\.0\.1:1', found none to use: nobody there"):
        OnRay("10.0.0.1:1").opened().__enter__()

import logging
import multiprocessing
import os
import pickle
import queue
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.core.errors import HarnessError, InterruptedRunError
from harness.core.spec import with_changes
from harness.search.execution import run_record
from harness.search.heartbeat import IDLE, Heartbeat
from harness.search.launchers import AbstractLauncher, AbstractWorker, processes
from harness.search.run_request import RunRequest
from harness.search.study import Study
from harness.search.worker import WorkerConfig, WorkItem, run_worker
from harness.search.worker_executor import WorkerExecutor
from harness.staging.histories import run_history
from harness.staging.ledger import RunRecord
from harness.staging.plan import make_plan
from harness.staging.runner import Runner
from harness.staging.workspace import Workspace

RunsOf = Callable[[Study, Sequence[Mapping[str, Any]], int], list[RunRequest]]

POINTS = [{"when": when, "init": init} for when in (10, 20, 30) for init in ("orthogonal", "xavier_uniform")]


def runner_in(home: Path, stop: Callable[[], bool] = lambda: False) -> Runner:
    return Runner(Workspace(home).create(), stop=stop)


def executed(
    home: Path, runs: list[RunRequest], size: int = 2, stop: Callable[[], bool] = lambda: False
) -> list[RunRecord]:
    runner, ended = runner_in(home, stop), list[RunRecord]()
    plan = make_plan([run.config for run in runs], runner.store)
    with WorkerExecutor(size, runner) as executor:
        executor.execute(runs, plan, ended.append)
    return ended


def long(study: Study) -> Study:
    return with_changes(study, {"base.steps": 20_000, "base.training.evaluate_every": 1000})


def workers() -> list[psutil.Process]:
    return [psutil.Process(child.pid) for child in multiprocessing.active_children()]


@pytest.fixture
def forking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes begin with all that this one has loaded, where what they train is not compared."""
    monkeypatch.setattr(processes, "SPAWN", multiprocessing.get_context("fork"))


@pytest.mark.slow
def test_two_workers_that_start_once_for_all_give_what_one_gives(runs_of: RunsOf, study: Study, tmp_path: Path) -> None:
    runs = [replace(run, spec_digest="ab" * 32) for run in runs_of(study, POINTS[1:3], 2)]
    alone, runner = runner_in(tmp_path / "one"), runner_in(tmp_path / "two")
    expected, ended, seen = {run.key: alone.run(run.config) for run in runs}, list[RunRecord](), set[int]()

    with WorkerExecutor(2, runner) as executor:
        for trial in (0, 1):
            some = [run for run in runs if run.trial == trial]
            executor.execute(some, make_plan([run.config for run in some], runner.store), ended.append)
            seen |= {worker.pid for worker in workers()}

    assert len(seen) == 2
    assert not workers()
    assert {record.status for record in ended} == {"completed"}
    assert sorted(record.key for record in ended) == sorted(expected)
    for record in ended:
        result = expected[record.key]
        assert run_history(tmp_path / "two" / "store", record.stages) == result.history
        assert (record.stages, record.spec_digest) == (result.stages, "ab" * 32)
    stored = [
        {
            entry.address: (entry.snapshot_sha256, entry.metrics_sha256)
            for entry in runner_in(tmp_path / name).store.entries()
        }
        for name in ("one", "two")
    ]
    assert all(stored[1][address] == hashes for address, hashes in stored[0].items())


@pytest.mark.usefixtures("forking")
def test_a_worker_that_is_killed_is_replaced(
    runs_of: RunsOf, study: Study, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    runs = runs_of(with_changes(study, {"base.steps": 1000}), POINTS[:1], 1)
    killer = threading.Thread(target=kill_one_in_mid_run, args=(tmp_path,))
    killer.start()

    with caplog.at_level(logging.WARNING):
        ended = executed(tmp_path, runs, size=1)

    killer.join()
    assert sorted(record.key for record in ended) == sorted(run.key for run in runs)
    assert "was killed by SIGKILL" in caplog.text


def kill_one_in_mid_run(home: Path) -> None:
    while not list((home / "store").rglob("state.safetensors")):
        time.sleep(0.05)
    os.kill(workers()[0].pid, signal.SIGKILL)


class Mortal(AbstractWorker):
    """Ends one run and dies."""

    def __init__(self, end_one: Callable[[], None]) -> None:
        self._end_one = end_one
        self._exit_reason = ""

    def submit(self, item: WorkItem) -> None:  # noqa: ARG002
        self._end_one()
        self._exit_reason = "killed"

    def heartbeat(self) -> Heartbeat:
        return Heartbeat(-1, 0, 0, 1)

    def exit_reason(self) -> str:
        return self._exit_reason

    def error(self) -> None:
        return None

    def ask_to_stop(self) -> None:
        """Do nothing: it lives no longer."""

    kill = join = ask_to_stop


class Mortals(AbstractLauncher):
    """Starts workers that die of every run."""

    def __init__(self, end_one: Callable[[], None]) -> None:
        self._end_one = end_one

    def opened(self) -> AbstractContextManager[None]:
        return nullcontext()

    def start(self, config: WorkerConfig) -> AbstractWorker:  # noqa: ARG002
        return Mortal(self._end_one)


def test_workers_that_die_at_once_are_not_replaced_for_ever(runs_of: RunsOf, study: Study, tmp_path: Path) -> None:
    runs, runner = runs_of(study, POINTS[:1], 1), runner_in(tmp_path)

    with (
        pytest.raises(HarnessError, match="workers died one after the other"),
        WorkerExecutor(2, runner, launcher=Mortals(lambda: None)) as executor,
    ):
        executor.execute(runs, make_plan([], runner.store), lambda _: None)


def test_workers_may_die_as_often_as_there_are_runs_that_end(runs_of: RunsOf, study: Study, tmp_path: Path) -> None:
    runs, runner, ended = runs_of(study, POINTS, 1), runner_in(tmp_path), list[RunRecord]()
    left = [run_record(run, "completed") for run in runs]

    mortals = Mortals(lambda: runner.store.ledger.save_run(left.pop(0)))
    with WorkerExecutor(1, runner, launcher=mortals) as executor:
        executor.execute(runs, make_plan([], runner.store), ended.append)

    assert [record.key for record in ended] == [run.key for run in runs]


@pytest.mark.usefixtures("forking")
def test_asked_to_stop_all_workers_store_what_they_trained(runs_of: RunsOf, study: Study, tmp_path: Path) -> None:
    began = time.monotonic()

    def stop() -> bool:
        return bool(list((tmp_path / "store").rglob("state.safetensors"))) or time.monotonic() - began > 60

    with pytest.raises(InterruptedRunError, match="everything is stored"):
        executed(tmp_path, runs_of(long(study), POINTS[:2], 1), stop=stop)

    assert not workers()
    steps = [entry.address.step for entry in runner_in(tmp_path).store.entries()]
    assert steps
    assert max(steps) < 20_000


class InThread(AbstractWorker):
    """A worker that is a thread of this process: for what is the same wherever a worker runs."""

    def __init__(self, config: WorkerConfig) -> None:
        self._values, self._items = list(IDLE), queue.SimpleQueue[WorkItem]()
        self._stop, self._error = threading.Event(), list[HarnessError]()
        self._thread = threading.Thread(target=self._work, args=(config,), daemon=True)
        self._thread.start()

    def _work(self, config: WorkerConfig) -> None:
        try:
            run_worker(pickle.loads(pickle.dumps(config)), self._receive, self._values, self._stop.is_set)
        except HarnessError as error:
            self._error.append(error)

    def _receive(self) -> WorkItem | None:
        with suppress(queue.Empty):
            return self._items.get(timeout=0.01)
        return None

    def submit(self, item: WorkItem) -> None:
        self._items.put(item)

    def heartbeat(self) -> Heartbeat:
        return Heartbeat(*self._values)

    def exit_reason(self) -> str:
        return ""

    def error(self) -> HarnessError | None:
        return next(iter(self._error), None)

    def ask_to_stop(self) -> None:
        self._stop.set()

    kill = ask_to_stop

    def join(self) -> None:
        self._thread.join()


class Threads(AbstractLauncher):
    """Starts threads."""

    def opened(self) -> AbstractContextManager[None]:
        return nullcontext()

    def start(self, config: WorkerConfig) -> AbstractWorker:
        return InThread(config)


def executed_in_thread(home: Path, runs: list[RunRequest]) -> list[RunRecord]:
    runner, ended = runner_in(home), list[RunRecord]()
    with WorkerExecutor(1, runner, launcher=Threads()) as executor:
        executor.execute(runs, make_plan([run.config for run in runs], runner.store), ended.append)
    return ended


def test_what_no_worker_can_do_is_said(runs_of: RunsOf, study: Study, tmp_path: Path) -> None:
    runs = runs_of(study, POINTS[:1], 1)
    (tmp_path / "store").write_text("not a folder")

    with pytest.raises(HarnessError, match="cannot write the stage"):
        executed_in_thread(tmp_path, runs)


def test_a_run_that_cannot_be_done_is_an_outcome(runs_of: RunsOf, study: Study, tmp_path: Path) -> None:
    runs = runs_of(with_changes(study, {"base.growths.0.operation.tap": "nowhere"}), POINTS[:1], 1)

    ended = executed_in_thread(tmp_path, runs)

    assert [record.status for record in ended] == ["failed", "failed"]
    assert all("raised no tap 'nowhere'" in record.reason for record in ended)


@pytest.mark.campaign
@pytest.mark.slow
def test_a_worker_that_another_process_asks_to_stop_is_replaced(
    runs_of: RunsOf, study: Study, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    runs, runner, ended = runs_of(study, POINTS[:2], 1), runner_in(tmp_path), list[RunRecord]()

    with caplog.at_level(logging.WARNING), WorkerExecutor(1, runner) as executor:
        executor.execute(runs[:1], make_plan([runs[0].config], runner.store), ended.append)
        (worker,) = workers()
        worker.terminate()
        while worker.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.05)
        executor.execute(runs[1:], make_plan([run.config for run in runs[1:]], runner.store), ended.append)

    assert len(ended) == len(runs)
    assert "worker 0 was asked to stop by another process" in caplog.text

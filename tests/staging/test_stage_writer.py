import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.core.errors import InterruptedRunError, StoreError
from harness.core.history import History
from harness.staging.leases import Lease, Leases
from harness.staging.ledger import StageAddress
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.stage_writer import PendingCommits, StageWriter
from harness.staging.store import Stage, StageMetrics, Store
from harness.staging.workspace import Workspace

LEASE = Lease("ab", "me", 1)


def stage(step: int, size: int = 5) -> Stage:
    return Stage(StageAddress("ab", step), 0, "", b"s" * size, StageMetrics(History(), History()), seconds=1.0)


class SlowStore(Store):
    """Commits when it is told to."""

    def __init__(self) -> None:
        self.committed: list[int] = []
        self.may_go_on = threading.Event()
        self.error: Exception | None = None

    def commit(self, stage: Stage, lease: Lease | None = None) -> None:  # type: ignore[override]
        """Note the step."""
        del lease
        assert self.may_go_on.wait(60)
        if self.error:
            raise self.error
        self.committed.append(stage.address.step)


@pytest.fixture
def store() -> SlowStore:
    return SlowStore()


def test_training_goes_on_while_stages_are_committed_in_order(store: SlowStore) -> None:
    with PendingCommits(StageWriter(store)) as commits:
        commits.add(lambda: stage(1), LEASE)
        commits.add(lambda: stage(2), LEASE)
        assert store.committed == []
        store.may_go_on.set()
        commits.wait()
        assert store.committed == [1, 2]


def test_nothing_goes_on_after_a_run_whatever_ended_it(store: SlowStore) -> None:
    def train() -> None:
        with PendingCommits(StageWriter(store)) as commits:
            commits.add(lambda: stage(1), LEASE)
            threading.Timer(0.05, store.may_go_on.set).start()
            raise InterruptedRunError("stopped")

    with pytest.raises(InterruptedRunError):
        train()

    assert store.committed == [1]


def test_a_stage_that_cannot_be_written_ends_the_run(store: SlowStore) -> None:
    store.error = StoreError("no space")
    store.may_go_on.set()

    with PendingCommits(StageWriter(store)) as commits:
        commits.add(lambda: stage(1), LEASE)
        with pytest.raises(StoreError, match="no space"):
            commits.wait()


def test_no_more_is_copied_than_memory_should_hold(store: SlowStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.staging.stage_writer.ENOUGH_BYTES", 10)
    committed_when_copied = list[int]()

    def copied() -> Stage:
        committed_when_copied.extend(store.committed)
        return stage(3)

    with PendingCommits(StageWriter(store)) as commits:
        commits.add(lambda: stage(1), LEASE)
        commits.add(lambda: stage(2), LEASE)
        threading.Timer(0.05, store.may_go_on.set).start()
        commits.add(copied, LEASE)

    assert committed_when_copied[:1] == [1]


def test_others_may_train_a_stage_only_when_it_is_committed(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path).create()
    database, writer = workspace.ledger.database, StageWriter(workspace.store)
    held, free = Leases(database).hold("ab"), threading.Event()
    lease = held.__enter__()
    assert lease is not None

    with PendingCommits(writer) as commits:
        writer.afterwards(lambda: assert_true(free.wait(60)))
        commits.add(lambda: stage(1), lease)
        commits.afterwards(lambda: assert_true(not held.__exit__(None, None, None)))
        with Leases(database).hold("ab") as other:
            assert other is None
        free.set()

    assert [entry.address.step for entry in workspace.store.entries("ab")] == [1]
    with Leases(database).hold("ab") as other:
        assert other is not None


def assert_true(condition: bool) -> None:
    assert condition


def test_a_full_disk_is_one_line_and_what_was_stored_before_is_gone_on_from(
    runner_in: Callable[[str], Runner], digits_run: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = runner_in("home")
    fsync, calls = os.fsync, iter(range(1000))

    def full_after_the_first_stage(descriptor: int) -> None:
        if next(calls) >= 8:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", full_after_the_first_stage)
        with pytest.raises(StoreError, match=r"No space left on device.*free space"):
            runner.run(digits_run, test=False)
    (first,) = runner.store.entries()
    trained = runner.steps_trained

    result = runner.run(digits_run, test=False)

    assert result.history == runner_in("alone").run(digits_run, test=False).history
    assert runner.steps_trained - trained == digits_run.steps - first.address.step
    assert sorted(path.name for path in runner.store.root.glob("*/*/*")) == ["00000020", "00000040"]

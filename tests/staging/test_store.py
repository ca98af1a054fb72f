import errno
import itertools
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from harness.core.errors import LeaseLostError, SnapshotError, StoreError
from harness.core.history import History
from harness.staging.catalog import Catalog, StageEntry
from harness.staging.histories import ANSWERS_FILE, HISTORY_FILE, SNAPSHOT_FILE, STAGE_FILES, run_history, stage_folder
from harness.staging.leases import Lease, Leases
from harness.staging.ledger import Ledger, StageAddress
from harness.staging.store import Stage, StageMetrics, Store

ADDRESS = StageAddress("ab12", 30)


def history(**values: float) -> History:
    found = History()
    found.record(30, values)
    return found


METRICS = StageMetrics(history(loss=0.5), history(accuracy=0.25))
STAGE = Stage(ADDRESS, 10, "ff", b"state", METRICS, seconds=1.5)
TESTED = replace(STAGE, metrics=replace(METRICS, answers=b"answers"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    ledger = Ledger(tmp_path)
    ledger.create()
    return Store(tmp_path / "store", ledger)


@pytest.mark.parametrize("stage", [STAGE, TESTED])
def test_a_stage_comes_back_as_it_was(store: Store, stage: Stage) -> None:
    entry = store.commit(stage)

    assert store.snapshot(entry) == stage.snapshot
    assert store.metrics(entry) == stage.metrics
    assert entry.metrics_bytes == sum(map(len, stage.metrics.files.values()))
    assert (entry.start, entry.parent, entry.seconds, entry.snapshot_bytes) == (10, "ff", 1.5, 5)
    assert store.entries("ab12") == store.entries() == [entry]
    assert store.entries("other") == []


def test_a_whole_history_is_put_together_from_its_stages(store: Store) -> None:
    second = StageAddress("cd", 40)
    store.commit(STAGE)
    store.commit(replace(STAGE, address=second, metrics=StageMetrics(history(loss=0.4), history(accuracy=0.5))))

    whole = run_history(store.root, (ADDRESS, second))

    assert whole["loss"].values == [0.5, 0.4]
    assert whole["accuracy"].values == [0.25, 0.5]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=st.sampled_from([*STAGE_FILES, ANSWERS_FILE]), position=st.integers(0, 10**6), flip=st.integers(1, 255))
def test_any_flipped_byte_is_found_and_the_stage_set_aside(store: Store, file: str, position: int, flip: int) -> None:
    entry = store.commit(TESTED)
    path = stage_folder(store.root, ADDRESS) / file
    content = bytearray(path.read_bytes())
    content[position % len(content)] ^= flip
    path.write_bytes(content)

    with pytest.raises(SnapshotError, match="set aside"):
        _ = store.snapshot(entry), store.metrics(entry)

    assert store.entries("ab12") == []
    assert stage_folder(store.root, ADDRESS).with_suffix(".damaged").is_dir()


@pytest.mark.parametrize("file", [HISTORY_FILE, ANSWERS_FILE])
def test_a_missing_file_is_found(store: Store, file: str) -> None:
    entry = store.commit(TESTED)
    (stage_folder(store.root, ADDRESS) / file).unlink()

    with pytest.raises(SnapshotError):
        store.metrics(entry)


@pytest.mark.parametrize("reason", [errno.EACCES, errno.EMFILE, errno.EIO])
def test_a_stage_that_this_process_may_not_read_is_left_as_it_is_and_one_that_the_disk_lost_is_not(
    store: Store, monkeypatch: pytest.MonkeyPatch, reason: int
) -> None:
    entry = store.commit(TESTED)

    def refused(path: Path) -> bytes:
        raise OSError(reason, os.strerror(reason), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", refused)
        for read in (store.snapshot, store.metrics):
            with pytest.raises(SnapshotError if reason == errno.EIO else StoreError, match=r"stage (at )?.*ab12"):
                read(entry)

    assert store.entries("ab12") == ([] if reason == errno.EIO else [entry])


def test_answers_that_nobody_committed_are_found(store: Store) -> None:
    entry = store.commit(STAGE)
    (stage_folder(store.root, ADDRESS) / ANSWERS_FILE).write_bytes(b"answers")

    with pytest.raises(SnapshotError):
        store.metrics(entry)


def test_a_write_that_fails_leaves_nothing_behind(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("harness.staging.durable_files.os.fsync", full)
    with pytest.raises(StoreError, match=r"cannot write the stage .*No space left on device.*free space"):
        store.commit(STAGE)

    assert store.entries("ab12") == []
    assert list((store.root / "ab" / "ab12").iterdir()) == []


def test_a_stage_is_synced_before_it_is_committed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    synced, sync = list[str](), os.fsync
    (store.root / "ab" / "ab12").mkdir(parents=True)  # else the folders above it are synced first

    def noted(descriptor: int) -> None:
        assert store.entries("ab12") == []
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        sync(descriptor)

    monkeypatch.setattr("harness.staging.durable_files.os.fsync", noted)
    store.commit(STAGE)

    # The files, then their names in a folder that gets its own when they are safe, then the folder that has this one.
    assert synced[:3] == [*STAGE_FILES]
    assert synced[3].startswith(".00000030-")
    assert synced[4:] == ["ab12"]


def test_a_stage_is_committed_only_with_the_latest_lease(store: Store) -> None:
    with pytest.raises(LeaseLostError, match="taken over"):
        store.commit(STAGE, Lease("ab12", "me", 1))

    assert store.entries("ab12") == []


def test_a_stage_that_was_written_but_not_committed_is_written_again(store: Store) -> None:
    with pytest.raises(LeaseLostError):
        store.commit(replace(STAGE, snapshot=b"of the owner before"), Lease("ab12", "me", 1))

    entry = store.commit(STAGE)

    assert store.snapshot(entry) == STAGE.snapshot


def test_a_stage_that_is_written_again_while_it_is_read_is_not_damaged(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, leases, save = store.commit(STAGE), Leases(store.ledger.database), Catalog.save
    again, written, looked = replace(TESTED, seconds=3.0), threading.Event(), threading.Event()

    def save_later(catalog: Catalog, entry: StageEntry, lease: Lease | None = None) -> None:
        written.set()
        looked.wait(5)
        save(catalog, entry, lease)

    def look(_seconds: float) -> None:
        looked.set()

    monkeypatch.setattr(Catalog, "save", save_later)
    monkeypatch.setattr("harness.staging.store.time.sleep", look)
    with leases.hold(ADDRESS.key) as lease:
        writer = threading.Thread(target=store.commit, args=(again, lease))
        writer.start()
        written.wait(5)
        found = store.metrics(before)
        writer.join()

    assert found == again.metrics
    assert looked.is_set()
    assert store.metrics(before) == again.metrics  # of an entry that was read before


def test_an_evicted_snapshot_leaves_what_was_measured(store: Store) -> None:
    store.evict(store.commit(STAGE))

    (entry,) = store.entries("ab12")
    assert entry.evicted
    assert store.metrics(entry) == STAGE.metrics
    assert not (stage_folder(store.root, ADDRESS) / SNAPSHOT_FILE).exists()


def test_whoever_needs_an_evicted_snapshot_must_train_it_again(store: Store) -> None:
    store.evict(store.commit(STAGE))
    (entry,) = store.entries("ab12")

    with pytest.raises(SnapshotError, match="evicted"):
        store.snapshot(entry)

    assert store.entries("ab12") == []


class Killed(BaseException):
    """Nothing of a process runs after it was killed, no cleaning up either."""


def large(head: float) -> bytes:
    return save({"model/0/frozen": np.ones(50), "model/0/head": np.full(1, head)}, metadata={"harness": "{}"})


def kill_at(call: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this and every later call that changes files fail."""
    made = itertools.count()

    def limited(change: Callable[..., object]) -> Callable[..., object]:
        def changed(*arguments: object, **options: object) -> object:
            if next(made) >= call:
                raise Killed
            return change(*arguments, **options)

        return changed

    monkeypatch.setattr(os, "fsync", limited(lambda _: None))  # what was written stays when a process is killed
    for name in ("link", "mkdir", "rename", "rmdir", "unlink"):
        monkeypatch.setattr(os, name, limited(getattr(os, name)))


def commit_and_evict(store: Store) -> list[StageEntry]:
    first, second = (store.commit(replace(STAGE, snapshot=large(n), address=StageAddress("ab", n))) for n in (1, 2))
    store.evict(first)
    return [second, store.commit(replace(STAGE, snapshot=large(3), address=StageAddress("ab", 3)))]


def test_a_kill_at_any_moment_loses_nothing_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.staging.snapshot_files.LARGE_BYTES", 100)
    monkeypatch.setattr("harness.staging.snapshot_files.LARGE_TENSOR_BYTES", 100)
    monkeypatch.setattr("harness.staging.store.LEFT_AFTER_S", -10.0)
    for call in range(200):
        ledger = Ledger(tmp_path / str(call))
        ledger.create()
        store = Store(tmp_path / str(call) / "store", ledger)
        killed = False
        with monkeypatch.context() as killing:
            kill_at(call, killing)
            try:
                commit_and_evict(store)
            except Killed:
                killed = True

        again = Store(store.root, ledger)
        again.clear_leftovers()

        whole = [again.snapshot(entry) for entry in again.entries() if not entry.evicted]
        assert whole == [large(entry.address.step) for entry in again.entries() if not entry.evicted]
        assert all(path.stat().st_nlink > 1 for path in store.root.glob("tensors/*/*"))
        assert list(store.root.glob("*/*/.*")) == []
        assert [again.snapshot(entry) for entry in commit_and_evict(again)] == [large(2), large(3)]
        if not killed:
            break
    assert 30 < call < 199


def test_what_another_process_is_done_with_while_leftovers_are_looked_for_is_no_error(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.create()
    gone = tmp_path / "store" / "aa" / ("a" * 64) / ".20-gone"
    gone.parent.mkdir(parents=True)
    gone.symlink_to("renamed-meanwhile")  # listed, and not there when it is looked at

    Store(tmp_path / "store", ledger).clear_leftovers()

    assert gone.is_symlink()

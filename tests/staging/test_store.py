import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.core.errors import LeaseLostError, SnapshotError, StoreError
from harness.core.history import History
from harness.staging.histories import ANSWERS_FILE, HISTORY_FILE, SNAPSHOT_FILE, STAGE_FILES, run_history, stage_folder
from harness.staging.leases import Lease
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


def test_answers_that_nobody_committed_are_found(store: Store) -> None:
    entry = store.commit(STAGE)
    (stage_folder(store.root, ADDRESS) / ANSWERS_FILE).write_bytes(b"answers")

    with pytest.raises(SnapshotError):
        store.metrics(entry)


def test_a_write_that_fails_leaves_nothing_behind(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("harness.staging.store.os.fsync", full)
    with pytest.raises(StoreError, match=r"cannot write the stage .*No space left on device.*free space"):
        store.commit(STAGE)

    assert store.entries("ab12") == []
    assert list((store.root / "ab" / "ab12").iterdir()) == []


def test_a_stage_is_synced_before_it_is_committed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    synced, sync = list[str](), os.fsync

    def noted(descriptor: int) -> None:
        assert store.entries("ab12") == []
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        sync(descriptor)

    monkeypatch.setattr("harness.staging.store.os.fsync", noted)
    store.commit(STAGE)

    # The files in a folder that gets its name when they are safe, and then the folder that has this name in it.
    assert synced == [*STAGE_FILES, "ab12"]


def test_a_stage_is_committed_only_with_the_latest_lease(store: Store) -> None:
    with pytest.raises(LeaseLostError, match="taken over"):
        store.commit(STAGE, Lease("ab12", "me", 1))

    assert store.entries("ab12") == []


def test_a_stage_that_was_written_but_not_committed_is_written_again(store: Store) -> None:
    with pytest.raises(LeaseLostError):
        store.commit(replace(STAGE, snapshot=b"of the owner before"), Lease("ab12", "me", 1))

    entry = store.commit(STAGE)

    assert store.snapshot(entry) == STAGE.snapshot


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

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.core.errors import SnapshotError
from harness.core.history import History
from harness.staging.histories import FILES, run_history, stage_folder
from harness.staging.ledger import Ledger, StageAddress
from harness.staging.store import Store, StoredStage

ADDRESS = StageAddress("ab12", 30)


def history(**values: float) -> History:
    found = History()
    found.record(30, values)
    return found


STAGE = StoredStage(b"state", history(loss=0.5), history(accuracy=0.25), seconds=1.5)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    ledger = Ledger(tmp_path)
    ledger.create()
    return Store(tmp_path / "store", ledger)


def test_a_stage_comes_back_as_it_was(store: Store) -> None:
    store.commit(ADDRESS, STAGE)

    assert store.read(ADDRESS) == STAGE
    assert store.steps("ab12") == [30]
    assert store.steps("other") == []


def test_a_whole_history_is_put_together_from_its_stages(store: Store) -> None:
    store.commit(ADDRESS, STAGE)
    store.commit(StageAddress("cd", 40), StoredStage(b"", history(loss=0.4), history(accuracy=0.5), 1))

    whole = run_history(store.root, (ADDRESS, StageAddress("cd", 40)))

    assert whole["loss"].values == [0.5, 0.4]
    assert whole["accuracy"].values == [0.25, 0.5]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=st.sampled_from(FILES), position=st.integers(0, 10**6), flip=st.integers(1, 255))
def test_any_flipped_byte_is_found_and_the_stage_set_aside(store: Store, file: str, position: int, flip: int) -> None:
    store.commit(ADDRESS, STAGE)
    path = stage_folder(store.root, ADDRESS) / file
    content = bytearray(path.read_bytes())
    content[position % len(content)] ^= flip
    path.write_bytes(content)

    with pytest.raises(SnapshotError, match="set aside"):
        store.read(ADDRESS)

    assert store.steps("ab12") == []
    assert stage_folder(store.root, ADDRESS).with_suffix(".damaged").is_dir()


def test_a_missing_file_is_found(store: Store) -> None:
    store.commit(ADDRESS, STAGE)
    (stage_folder(store.root, ADDRESS) / FILES[1]).unlink()

    with pytest.raises(SnapshotError):
        store.read(ADDRESS)


def test_a_write_that_fails_leaves_nothing_behind(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("harness.staging.store.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.commit(ADDRESS, STAGE)

    assert store.steps("ab12") == []
    assert list((store.root / "ab" / "ab12").iterdir()) == []


def test_a_stage_that_was_written_but_not_committed_is_written_again(store: Store) -> None:
    store.commit(ADDRESS, STAGE)
    Ledger(store.root.parent).drop_stage(ADDRESS)

    store.commit(ADDRESS, STAGE)

    assert store.read(ADDRESS) == STAGE

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from harness.core.history import History
from harness.staging.catalog import StageEntry
from harness.staging.eviction import by_value, evict_to, snapshot_bytes
from harness.staging.ledger import Ledger, StageAddress
from harness.staging.store import Stage, StageMetrics, Store


def entry(key: str, step: int, *, seconds: float, size: int = 10, parent: str = "", start: int = 0) -> StageEntry:
    return StageEntry(StageAddress(key, step), start, parent, "", size, "", 1, seconds)


def sizes(entries: list[StageEntry]) -> dict[StageEntry, float]:
    return {entry: entry.snapshot_bytes for entry in entries}


TRUNK = [entry("trunk", 10, seconds=1), entry("trunk", 20, seconds=9), entry("trunk", 30, seconds=9.5)]
LEAVES = [
    entry("leaf a", 99, seconds=50, parent="trunk", start=20),
    entry("leaf b", 99, seconds=2, parent="trunk", start=20),
    entry("leaf c", 99, seconds=60, size=1000, parent="trunk", start=30),
]


def test_what_nothing_begins_from_goes_first_and_then_what_saves_least_per_byte() -> None:
    order = by_value([*TRUNK, *LEAVES], sizes([*TRUNK, *LEAVES]))

    assert [(found.address.key, found.address.step) for found in order] == [
        ("leaf c", 99),
        ("trunk", 10),
        ("leaf b", 99),
        ("leaf a", 99),
        ("trunk", 30),
        ("trunk", 20),
    ]


def test_what_is_evicted_already_is_not_in_the_way() -> None:
    gone = entry("trunk", 20, seconds=9, size=0)

    assert by_value([TRUNK[0], gone], sizes(TRUNK)) == [TRUNK[0]]


@pytest.mark.parametrize(("limit", "left"), [(10**9, 3), (25, 2), (20, 2), (19, 1), (0, 0)])
def test_snapshots_are_given_up_until_the_rest_fits(tmp_path: Path, limit: int, left: int) -> None:
    ledger = Ledger(tmp_path)
    ledger.create()
    store = Store(tmp_path / "store", ledger)
    metrics = StageMetrics(History(), History())
    for step in (1, 2, 3):
        store.commit(Stage(StageAddress("key", step), 0, "", b"0123456789", metrics, seconds=step**2))

    evicted, freed = evict_to(store, limit)

    kept = [found.address.step for found in store.entries() if not found.evicted]
    assert kept == [1, 2, 3][3 - left :]
    assert (len(evicted), freed) == (3 - left, 10 * (3 - left))


def test_what_snapshots_have_in_common_takes_space_until_the_last_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.staging.snapshot_files.LARGE_BYTES", 100)
    monkeypatch.setattr("harness.staging.snapshot_files.LARGE_TENSOR_BYTES", 100)
    ledger = Ledger(tmp_path)
    ledger.create()
    store = Store(tmp_path / "store", ledger)
    for step in (1, 2, 3):
        content = save({"model/0/frozen": np.ones(1000), "model/0/head": np.full(10, step)}, metadata={"harness": "{}"})
        store.commit(Stage(StageAddress("key", step), 0, "", content, StageMetrics(History(), History()), step**2))
    all_of_them = snapshot_bytes(store, store.entries())

    evicted, freed = evict_to(store, all_of_them - 1)

    assert (len(evicted), freed < 8000 < all_of_them < 16000) == (1, True)
    assert [len(store.snapshot(found)) for found in store.entries() if not found.evicted] == [len(content)] * 2
    assert evict_to(store, 0)[1] > 8000
    assert list((store.root / "tensors").glob("*/*")) == []

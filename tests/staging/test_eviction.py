from pathlib import Path

import pytest

from harness.core.history import History
from harness.staging.catalog import StageEntry
from harness.staging.eviction import by_value, evict_to
from harness.staging.ledger import Ledger, StageAddress
from harness.staging.store import Stage, StageMetrics, Store


def entry(key: str, step: int, *, seconds: float, size: int = 10, parent: str = "", start: int = 0) -> StageEntry:
    return StageEntry(StageAddress(key, step), start, parent, "", size, "", 1, seconds)


TRUNK = [entry("trunk", 10, seconds=1), entry("trunk", 20, seconds=9), entry("trunk", 30, seconds=9.5)]
LEAVES = [
    entry("leaf a", 99, seconds=50, parent="trunk", start=20),
    entry("leaf b", 99, seconds=2, parent="trunk", start=20),
    entry("leaf c", 99, seconds=60, size=1000, parent="trunk", start=30),
]


def test_what_nothing_begins_from_goes_first_and_then_what_saves_least_per_byte() -> None:
    order = by_value([*TRUNK, *LEAVES])

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

    assert by_value([TRUNK[0], gone]) == [TRUNK[0]]


@pytest.mark.parametrize(("limit", "left"), [(10**9, 3), (25, 2), (20, 2), (19, 1), (0, 0)])
def test_snapshots_are_given_up_until_the_rest_fits(tmp_path: Path, limit: int, left: int) -> None:
    ledger = Ledger(tmp_path)
    ledger.create()
    store = Store(tmp_path / "store", ledger)
    metrics = StageMetrics(History(), History())
    for step in (1, 2, 3):
        store.commit(Stage(StageAddress("key", step), 0, "", b"0123456789", metrics, seconds=step**2))

    evicted = evict_to(store, limit)

    kept = [found.address.step for found in store.entries() if not found.evicted]
    assert kept == [1, 2, 3][3 - left :]
    assert len(evicted) == 3 - left

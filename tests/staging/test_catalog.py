from dataclasses import replace

import pytest

from harness.core.errors import LeaseLostError
from harness.staging.catalog import Catalog, StageEntry
from harness.staging.database import Database
from harness.staging.leases import Leases
from harness.staging.ledger import StageAddress

ENTRY = StageEntry(StageAddress("k", 2), 0, "", "aa", 3_000_000_000, "bb", 7, 0.1 + 0.2)
LATER = replace(ENTRY, address=StageAddress("k", 4), start=2, parent="j")


def test_stages_are_listed_by_step_until_they_are_dropped(database: Database) -> None:
    catalog = Catalog(database)
    catalog.save(LATER)
    catalog.save(ENTRY)
    catalog.save(replace(ENTRY, address=StageAddress("a", 9)))

    assert catalog.stages("k") == [ENTRY, LATER]
    assert [entry.address.key for entry in catalog.stages()] == ["a", "k", "k"]
    catalog.drop(ENTRY.address)
    assert catalog.stages("k") == [LATER]


def test_an_evicted_stage_keeps_everything_but_its_snapshot(database: Database) -> None:
    catalog = Catalog(database)
    catalog.save(ENTRY)

    catalog.evict(ENTRY.address)

    assert catalog.stages() == [replace(ENTRY, snapshot_bytes=0)]
    assert catalog.stages()[0].evicted


def test_a_stage_that_is_made_again_replaces_the_earlier_one(database: Database) -> None:
    catalog = Catalog(database)
    catalog.save(ENTRY)
    catalog.evict(ENTRY.address)

    catalog.save(ENTRY)

    assert catalog.stages() == [ENTRY]


@pytest.mark.parametrize(
    "change", ["seconds = seconds + 0.0000001", "start = 1", "parent = 'x'", "state_sha256 = 'ab'", "rest_bytes = 6"]
)
def test_a_row_that_is_not_as_it_was_written_is_passed_over(database: Database, change: str) -> None:
    catalog = Catalog(database)
    catalog.save(ENTRY)
    catalog.save(LATER)
    with database.transaction() as transaction:
        transaction.execute(f"UPDATE stages SET {change} WHERE step = 2")

    assert catalog.stages() == catalog.stages("k") == [LATER]
    assert [entry.address for entry in catalog.damaged()] == [ENTRY.address]
    catalog.save(ENTRY)
    assert catalog.stages() == [ENTRY, LATER]


def test_a_catalog_of_an_earlier_version_is_taken_as_it_is(database: Database) -> None:
    catalog = Catalog(database)
    catalog.save(ENTRY)
    with database.transaction() as transaction:
        transaction.execute("DROP TABLE row_digests")

    assert catalog.stages() == [ENTRY]


def test_nothing_is_committed_without_the_lease(database: Database) -> None:
    catalog = Catalog(database)
    with Leases(database).hold("k") as lease:
        assert lease is not None
        catalog.save(ENTRY, lease)

        with pytest.raises(LeaseLostError):
            catalog.save(LATER, replace(lease, token=lease.token - 1))

    assert catalog.stages() == [ENTRY]

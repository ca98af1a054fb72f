"""Databases of both kinds, for what must hold on each."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.staging.database import Database
from harness.staging.runner import Runner
from harness.staging.workspace import Workspace


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database: a SQLite file, then a PostgreSQL server."""
    if request.param == "sqlite":
        found = Database(tmp_path / "ledger.sqlite")
        found.create()
        yield found
        return
    found = Database(request.getfixturevalue("postgres"))
    found.create()
    with found.transaction() as transaction:
        known = ("studies", "origins", "runs", "stages", "signals", "leases", "deaths")
        recorded = ("openings", "reproductions", "registrations", "first_launches", "row_digests")
        for table in (*known, "rungs", "earlier_forms", *recorded):
            transaction.execute(f"TRUNCATE {table}")
    yield found
    found.close()


@pytest.fixture
def database_without(tmp_path: Path) -> Callable[[str], Database]:
    """Return a function that makes a database of an earlier version, which had no such table."""

    def make(table: str) -> Database:
        found = Database(tmp_path / "ledger.sqlite")
        found.create()
        with found.transaction() as transaction:
            transaction.execute(f"DROP TABLE {table}")
        return found

    return make


@pytest.fixture
def runner_in(tmp_path: Path) -> Callable[[str], Runner]:
    """Return a function that makes a runner in a home of that name."""
    return lambda name: Runner(Workspace(tmp_path / name).create())

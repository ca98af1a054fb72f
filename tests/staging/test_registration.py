from pathlib import Path

import pytest

from harness.staging.database import Database
from harness.staging.registration import (
    Registration,
    registration_bytes,
    registration_of,
    save_launch,
    save_registration,
)

CONTENT = {"study": "a-study", "points": "ab", "spec": {"b": 1, "a": 2}}


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "ledger.sqlite")


def test_a_registration_is_kept_once_and_in_its_order(database: Database) -> None:
    assert save_registration(database, "a-study", CONTENT)
    assert not save_registration(database, "a-study", {**CONTENT, "points": "cd"})

    found = registration_of(database, "a-study")

    assert found
    assert registration_bytes(found.content) == registration_bytes(CONTENT)
    assert (found.first_launch, found.came_first) == (None, True)
    assert registration_of(database, "another") is None


def test_the_first_launch_comes_after_and_stays_the_first(database: Database) -> None:
    save_registration(database, "a-study", CONTENT)
    save_launch(database, "a-study")
    first = registration_of(database, "a-study")
    save_launch(database, "a-study")

    assert first
    assert first.first_launch
    assert first.came_first
    assert registration_of(database, "a-study") == first


def test_a_study_that_was_launched_is_not_registered_any_more(database: Database) -> None:
    save_launch(database, "a-study")

    assert not save_registration(database, "a-study", CONTENT)
    assert registration_of(database, "a-study") is None


def test_a_registration_after_the_first_launch_did_not_come_first() -> None:
    assert not Registration(CONTENT, at=2.0, first_launch=1.0).came_first


def test_a_database_of_an_earlier_version_has_none(database: Database) -> None:
    database.create()
    with database.transaction() as transaction:
        transaction.execute("DROP TABLE registrations")

    assert registration_of(database, "a-study") is None


@pytest.mark.postgres
def test_a_server_keeps_one_as_well(postgres: str) -> None:
    database = Database(postgres)
    assert save_registration(database, "a-study", CONTENT)
    save_launch(database, "a-study")

    found = registration_of(database, "a-study")
    database.close()
    assert found
    assert found.came_first

import pytest

from harness.staging.database import Database
from harness.staging.transaction import unusable


def test_a_statement_names_its_values_and_may_be_given_more_than_it_names(database: Database) -> None:
    values = {"study": "it's", "name": "a:b", "run_id": "{now}", "other": 3}

    with database.transaction() as transaction:
        new = transaction.execute("INSERT INTO signals (study, name, run_id) VALUES (:study, :name, :run_id)", values)
        found = transaction.rows("SELECT study, name, run_id FROM signals WHERE name = :name", values)

    assert (new, found) == (1, [("it's", "a:b", "{now}")])


def test_a_table_is_there_or_not(database: Database) -> None:
    with database.transaction() as transaction:
        assert transaction.has("runs")
        assert not transaction.has("walks")


def test_a_cause_of_several_lines_is_told_in_one() -> None:
    assert "found: disk full, sorry;" in str(unusable("ledger.sqlite", "disk full,\n  sorry"))


@pytest.mark.parametrize(
    ("said", "helps"),
    [
        ("database or disk is full", "free space"),
        ("could not extend file: No space left on device", "free space"),
        ("attempt to write a readonly database", "let the file and its folder be written"),
        ("locking protocol", "see that the file and its folder can be written, and try again"),
        ("database disk image is malformed", "restore it from a copy"),
    ],
)
def test_it_is_said_what_helps(said: str, helps: str) -> None:
    assert f"found: {said}; {helps}, or choose" in str(unusable("ledger.sqlite", said))

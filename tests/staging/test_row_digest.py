import pytest

from harness.staging.database import Database
from harness.staging.row_digest import digest_beside, digest_of_row, save_row_digest


def test_every_bit_of_every_value_counts() -> None:
    rows: list[list[str | int | float]] = [["a", 1, 0.1], ["a", 1, 0.1 + 2**-56], ["a", 2, 0.1], ["b", 1, 0.1]]

    assert len({digest_of_row(row) for row in rows}) == 4


@pytest.mark.parametrize("times", [0, 1, 2])
def test_a_query_gets_the_last_digest_beside_each_row(database: Database, times: int) -> None:
    with database.transaction() as transaction:
        transaction.execute("INSERT INTO studies VALUES ('one', '', 0, 0, '', '')")
        for number in range(times):
            save_row_digest(transaction, "study one", str(number))
        digest, join = digest_beside(transaction, "'study ' || studies.name")

        rows = transaction.rows(f"SELECT studies.name, {digest} FROM studies {join}")

    assert rows == [("one", str(times - 1) if times else None)]


def test_a_database_of_an_earlier_version_has_none(database: Database) -> None:
    with database.transaction() as transaction:
        transaction.execute("DROP TABLE row_digests")

        save_row_digest(transaction, "study one", "0")

        assert digest_beside(transaction, "'study ' || studies.name") == ("NULL", "")

from pathlib import Path

import pytest

from harness.core.errors import HomeError
from harness.staging.database import Database
from harness.staging.sqlite_file import SqliteFile


def test_a_file_is_synced_at_every_transaction(tmp_path: Path) -> None:
    database, full = Database(tmp_path / "ledger.sqlite"), 2
    database.create()

    with database.transaction() as transaction:
        assert transaction.rows("PRAGMA synchronous") == [(full,)]


@pytest.mark.parametrize("content", [b"no database, but text" * 50, b"SQLite format 3\0" + b"x" * 999])
def test_a_file_that_is_no_database_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(content)

    with (
        pytest.raises(HomeError, match="expected a ledger at ") as error,
        SqliteFile(path).transaction() as found,
    ):
        found.rows("SELECT * FROM studies")

    assert "\n" not in str(error.value)


def test_a_folder_that_does_not_exist_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match="unable to open"), SqliteFile(tmp_path / "no" / "ledger.sqlite").transaction():
        pass

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from harness.core.errors import HomeError
from harness.staging.database import Database
from harness.staging.sqlite_file import SqliteFile, is_damaged


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


def test_a_file_in_a_folder_that_cannot_be_written_is_read_and_nothing_is_made_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(tmp_path / "ledger.sqlite")
    database.create()
    monkeypatch.setattr("os.access", lambda *_: False)

    with database.transaction() as transaction:
        assert transaction.rows("SELECT * FROM runs") == []
        assert [path.name for path in tmp_path.iterdir()] == ["ledger.sqlite"]
    with (
        pytest.raises(HomeError, match="readonly database; let the file and its folder be written, or choose"),
        database.transaction() as transaction,
    ):
        transaction.execute("DELETE FROM runs")


def test_what_another_process_has_written_is_read_from_such_a_folder_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ledger.sqlite"
    database = Database(path)
    database.create()
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("INSERT INTO signals (study, name, run_id) VALUES ('s', 'n', 'r')")
        other.commit()
        monkeypatch.setattr("os.access", lambda *_: False)

        with database.transaction() as transaction:
            assert transaction.rows("SELECT study FROM signals") == [("s",)]


def test_a_database_that_is_locked_is_not_damaged_and_one_that_is_cut_off_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.staging.sqlite_file.PATIENCE_S", 0.05)
    path = tmp_path / "ledger.sqlite"
    Database(path).create()
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode=DELETE")
        other.execute("BEGIN EXCLUSIVE")

        assert not is_damaged(path)

    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert is_damaged(path)
    assert not is_damaged(tmp_path / "no such file")

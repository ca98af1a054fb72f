"""A database in a SQLite file, read by Python's own module: a command that lists studies loads nothing else for it."""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, final

from harness.staging.transaction import AbstractTransaction, unusable

__all__ = ["SqliteFile", "SqliteTransaction", "is_damaged"]

PATIENCE_S = 60  # for other processes that write


@final
class SqliteTransaction(AbstractTransaction):
    """An open transaction of a SQLite file."""

    now = "((julianday('now') - 2440587.5) * 86400.0)"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def has(self, table: str) -> bool:
        """Return whether a table exists."""
        return bool(self._rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = :table", {"table": table}))

    def _execute(self, statement: str, values: Mapping[str, Any]) -> int:
        return self._connection.execute(statement, dict(values)).rowcount

    def _rows(self, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement, dict(values)).fetchall()


@final
class SqliteFile:
    """A SQLite file, which every transaction opens anew: it may be restored from a copy, or deleted, at any time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    def prepare(self, transaction: AbstractTransaction) -> None:
        """Let readers go on while another process writes, and begin to create tables: all of them or none."""
        transaction.rows("PRAGMA journal_mode=WAL")
        transaction.execute("BEGIN IMMEDIATE")  # Python begins a transaction before rows are changed, not before tables

    @contextmanager
    def transaction(self) -> Iterator[SqliteTransaction]:
        """Commit at the end of the block, or undo everything if it raises.

        Raises:
            HomeError: the file cannot be read or written.
        """
        try:
            with closing(sqlite3.connect(self._address(), timeout=PATIENCE_S, uri=True)) as connection:
                connection.execute("PRAGMA synchronous=FULL")
                with connection:
                    yield SqliteTransaction(connection)
        except sqlite3.Error as error:
            raise unusable(str(self), error) from None

    def _address(self) -> str:
        """SQLite makes files beside one that it reads; where it may not, it can read one that no process has open."""
        still = not os.access(self.path.parent, os.W_OK) and not Path(f"{self.path}-wal").exists()
        return f"{self.path.absolute().as_uri()}?{'immutable=1' if still else 'mode=rwc'}"


def is_damaged(path: Path) -> bool:
    """Return whether a file is no SQLite database, or a broken one; False if that cannot be found out now."""
    if not path.is_file():
        return False
    try:
        with closing(sqlite3.connect(path, timeout=PATIENCE_S)) as connection:
            return connection.execute("PRAGMA quick_check(1)").fetchall() != [("ok",)]
    except sqlite3.OperationalError:  # it is locked, say
        return False
    except sqlite3.DatabaseError:
        return True

"""Opening what a tracking URI names, and saying in a line why it cannot be used."""

import functools
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.core.errors import HarnessError, HomeError
from harness.staging.sqlite_file import is_damaged
from harness.tracking.mlflow._base import AbstractConnection
from harness.tracking.mlflow.location import database_of, taking_turns
from harness.tracking.mlflow.rows import RowConnection
from harness.tracking.mlflow.server_reason import server_reason
from harness.tracking.mlflow.tables import new_database, tables_are_known

__all__ = ["check_intact", "explained", "open_connection"]

PATIENCE_S = 60  # for other processes that write
MOST_CHARACTERS = 300  # of an error of the database, which brings its SQL


def open_connection(tracking_uri: str) -> AbstractConnection:
    """Return a connection to `tracking_uri`; create its SQLite database if there is none.

    Raises:
        HarnessError: the database or server cannot be used.
    """
    with taking_turns(tracking_uri), explained(tracking_uri, (sqlite3.Error, OSError)):
        database = database_of(tracking_uri)
        if database is not None:
            if not database.exists():
                new_database(database, functools.partial(_create, tracking_uri))
            if rows := _rows_of(database, tracking_uri):
                return rows
        return _client(tracking_uri)


@contextmanager
def explained(tracking_uri: str, errors: tuple[type[Exception], ...]) -> Iterator[None]:
    """Turn errors into `HarnessError`, without what a server says, and the password that the URI may hold.

    Raises:
        HomeError: the SQLite file is damaged.
    """
    try:
        yield
    except errors as error:
        check_intact(tracking_uri)
        is_file = database_of(tracking_uri) is not None
        reason = " ".join(str(error).split())[:MOST_CHARACTERS] if is_file else server_reason(error)
        message = f"MLflow at {tracking_uri} cannot be used ({reason})"
        message = re.sub(r"//[^/@\s]*@", "//***@", message)
        raise HarnessError(f"{message}; nothing is lost: the study can be projected again") from None


def check_intact(tracking_uri: str) -> None:
    """Refuse a SQLite file that is damaged.

    Raises:
        HomeError: it is; the message says what to do.
    """
    database = database_of(tracking_uri)
    if database and is_damaged(database):
        raise HomeError(
            f"expected a database of MLflow at {database}, found a damaged one; nothing is lost: move it away, and "
            "`harness sync` makes another from the ledger"
        )


def _rows_of(database: Path, tracking_uri: str) -> RowConnection | None:
    """Return a connection that writes rows; None if the tables are not known, of an earlier or a later MLflow."""
    connection = sqlite3.connect(database, timeout=PATIENCE_S, isolation_level=None, check_same_thread=False)
    try:
        known = tables_are_known(connection)
    except BaseException:
        connection.close()
        raise
    if known:
        return RowConnection(connection, functools.partial(_client, tracking_uri))
    connection.close()
    return None


def _client(tracking_uri: str) -> AbstractConnection:
    # Not at the top: MLflow is loaded only where its own client is needed, which takes a second.
    from harness.tracking.mlflow.client import ClientConnection

    with explained(tracking_uri, ClientConnection.errors):
        return ClientConnection(tracking_uri)


def _create(tracking_uri: str, file: Path) -> None:
    from harness.tracking.mlflow.client import ClientConnection, create_database

    with explained(tracking_uri, ClientConnection.errors):
        create_database(file)

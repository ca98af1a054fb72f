"""A database on a PostgreSQL server, for studies that many machines take part in."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, final

from sqlalchemy import URL, Connection, Engine, create_engine, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

from harness.core.errors import AwayError, HomeError, InputError
from harness.core.redacted import redacted
from harness.staging.transaction import AbstractTransaction, unusable

__all__ = ["PostgresDatabase", "PostgresTransaction", "parse_url"]

log = logging.getLogger(__name__)

NAMESPACE = "harness_ledger"  # Optuna's tables in the same database have some of the same names
CREATING = 7_274_001  # any number, the same in every process: an advisory lock while tables are created
PASSWORDS = ("password", "sslpassword")  # in the query of an address
MOST_CHARACTERS = 500  # of what a server says
REPAIR, OTHER = "see that the server runs and lets this user in", "another with --storage or HARNESS_STORAGE"
WAITS_S = (0.5, 1, 2, 4, 8, 16, 30)  # between attempts to reach a server that was reached before


def parse_url(storage: str) -> URL:
    """Return the URL of a PostgreSQL server or of a SQLite file.

    Raises:
        InputError: it is of another kind.
    """
    try:
        storage.encode()  # bytes of arguments that are no text cannot be sent, or opened
        url = make_url(storage)
        backend = url.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError):
        backend = ""
    if backend == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if backend == "sqlite" and url.database:
        return url
    raise InputError(
        "expected a storage like postgresql://user:password@host/name or sqlite:///file, found another URL"
    )


@final
class PostgresTransaction(AbstractTransaction):
    """An open transaction of a server."""

    now = "EXTRACT(EPOCH FROM clock_timestamp())"

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def has(self, table: str) -> bool:
        """Return whether a table exists."""
        return inspect(self._connection).has_table(table)

    def _execute(self, statement: str, values: Mapping[str, Any]) -> int:
        return self._connection.execute(text(statement), values).rowcount

    def _rows(self, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._connection.execute(text(statement), values)]


@final
class PostgresDatabase:
    """A server by its URL, with connections that are kept open.

    Attributes:
        reached: whether it was reached before, so that it is waited for where it does not answer.
    """

    def __init__(self, url: URL) -> None:
        self.url = url
        self.reached = False
        self._engine: Engine | None = None

    def __str__(self) -> str:
        return self.url.set(query={}).render_as_string(hide_password=True)  # a password may be in the query, too

    def quoted(self, said: object) -> str:
        """Return what the server said in a line, without what this process has sent it: it may say anything."""
        given = [str(self.url.password or ""), *(str(self.url.query.get(name, "")) for name in PASSWORDS)]
        whole = [f"{self.url.username or ''}:{password}" for password in given]
        return redacted(" ".join(str(said).split()), [*whole, *given])[:MOST_CHARACTERS]

    def prepare(self, transaction: AbstractTransaction) -> None:
        """Make the namespace of the tables, and let one process after the other create them."""
        transaction.rows("SELECT pg_advisory_xact_lock(:creating)", {"creating": CREATING})
        transaction.execute(f"CREATE SCHEMA IF NOT EXISTS {NAMESPACE}")

    def close(self) -> None:
        """Close the pooled connections."""
        if self._engine:
            self._engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[PostgresTransaction]:
        """Commit at the end of the block, or undo everything if it raises.

        If a server that was reached before does not answer, wait for it for up to a minute.

        Raises:
            AwayError: the server went away during the transaction; whether it was committed is not known.
            HomeError: the database cannot be read or written.
        """
        try:
            with self._connection() as connection, connection.begin():
                yield PostgresTransaction(connection)
        except ModuleNotFoundError as error:
            raise InputError(
                f"expected {error.name} to be installed for {self}; pip install 'harness[postgres]'"
            ) from None
        except DBAPIError as error:
            if error.connection_invalidated:
                cause = self.quoted(error.orig)
                raise AwayError(f"the database {self} went away in the middle of a transaction: {cause}") from None
            raise unusable(str(self), self.quoted(error.orig), repair=REPAIR, other=OTHER) from None

    def _connection(self) -> Connection:
        self._engine = self._engine or _engine(self.url)
        for wait_s in WAITS_S if self.reached else ():
            try:
                return self._engine.connect()
            except OperationalError:  # nothing was executed yet, so a retry repeats nothing
                log.warning("the database %s is away; trying again in %s s", self, wait_s)
                time.sleep(wait_s)
        try:
            connection = self._engine.connect()
        except OperationalError as error:
            self.reached = False  # it was waited for; whatever ends now need not wait once more
            raise HomeError(
                f"expected the database {self} to answer, found: {self.quoted(error.orig)}; once its server runs and "
                "can be reached from here, the same command goes on"
            ) from None
        self.reached = True
        return connection


def _engine(url: URL) -> Engine:
    from harness.staging.postgres_connection import engine_arguments  # psycopg, which few have

    return create_engine(url, pool_pre_ping=True, **engine_arguments(url, f"-c search_path={NAMESPACE}"))

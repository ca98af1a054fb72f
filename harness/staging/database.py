"""The one database: a SQLite file in a home, or PostgreSQL where many machines take part.

The same statements run on both.
"""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.pool import NullPool

from harness.core.errors import AwayError, HomeError, InputError

__all__ = ["VARIABLE", "Database", "Transaction"]

log = logging.getLogger(__name__)

VARIABLE = "HARNESS_STORAGE"  # the environment variable for the URL, which may contain a password

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS studies (
        name TEXT PRIMARY KEY, spec TEXT NOT NULL, trials INTEGER NOT NULL, seeds INTEGER NOT NULL,
        file TEXT NOT NULL, store TEXT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS origins (
        study TEXT PRIMARY KEY, source TEXT NOT NULL, changes TEXT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS runs (
        study TEXT NOT NULL, trial INTEGER NOT NULL, arm TEXT NOT NULL, seed INTEGER NOT NULL,
        run_id TEXT NOT NULL, status TEXT NOT NULL, record TEXT NOT NULL,
        PRIMARY KEY (study, trial, arm, seed))""",
    """CREATE TABLE IF NOT EXISTS stages (
        key TEXT NOT NULL, step INTEGER NOT NULL, start INTEGER NOT NULL, parent TEXT NOT NULL,
        state_sha256 TEXT NOT NULL, state_bytes BIGINT NOT NULL,
        rest_sha256 TEXT NOT NULL, rest_bytes BIGINT NOT NULL, seconds DOUBLE PRECISION NOT NULL,
        PRIMARY KEY (key, step))""",
    """CREATE TABLE IF NOT EXISTS signals (
        study TEXT NOT NULL, name TEXT NOT NULL, run_id TEXT NOT NULL,
        PRIMARY KEY (study, name, run_id))""",
    """CREATE TABLE IF NOT EXISTS leases (
        name TEXT PRIMARY KEY, owner TEXT NOT NULL, token BIGINT NOT NULL, expires DOUBLE PRECISION NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS deaths (name TEXT PRIMARY KEY, count INTEGER NOT NULL)",
    """CREATE TABLE IF NOT EXISTS rungs (
        study TEXT NOT NULL, trial INTEGER NOT NULL, arm TEXT NOT NULL, seed INTEGER NOT NULL, step INTEGER NOT NULL,
        record TEXT NOT NULL, PRIMARY KEY (study, trial, arm, seed, step))""",
    """CREATE TABLE IF NOT EXISTS openings (
        study TEXT NOT NULL, trial INTEGER NOT NULL, arm TEXT NOT NULL, seed INTEGER NOT NULL,
        run_id TEXT NOT NULL, at DOUBLE PRECISION NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS earlier_forms (
        study TEXT NOT NULL, plan TEXT NOT NULL, spec TEXT NOT NULL, PRIMARY KEY (study, plan))""",
    """CREATE TABLE IF NOT EXISTS reproductions (
        study TEXT NOT NULL, trial INTEGER NOT NULL, arm TEXT NOT NULL, seed INTEGER NOT NULL,
        run_id TEXT NOT NULL, history_sha256 TEXT NOT NULL, difference TEXT NOT NULL, "commit" TEXT NOT NULL,
        at DOUBLE PRECISION NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS registrations (
        study TEXT PRIMARY KEY, content TEXT NOT NULL, at DOUBLE PRECISION NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS first_launches (study TEXT PRIMARY KEY, at DOUBLE PRECISION NOT NULL)",
)

# The database's own clock: those of the machines that take part may differ.
NOW = {
    "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
    "postgresql": "EXTRACT(EPOCH FROM clock_timestamp())",
}
NAMESPACE = "harness_ledger"  # Optuna's tables in the same database have some of the same names
WAITS_S = (0.5, 1, 2, 4, 8, 16, 30)  # between attempts to reach a server that was reached before
CREATING = 7_274_001  # any number, the same in every process: an advisory lock while tables are created


class Transaction:
    """An open transaction. Statements name their values as `:name`, and the present time, in seconds, as `{now}`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._now = NOW[connection.dialect.name]

    def execute(self, statement: str, values: Mapping[str, Any] | None = None) -> int:
        """Execute a statement that changes rows; return their number."""
        return self._connection.execute(text(statement.replace("{now}", self._now)), values or {}).rowcount

    def rows(self, statement: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Return the rows that a statement selects."""
        rows = self._connection.execute(text(statement.replace("{now}", self._now)), values or {})
        return [tuple(row) for row in rows]

    def has(self, table: str) -> bool:
        """Return whether a table exists; databases of earlier versions lack some."""
        return inspect(self._connection).has_table(table)


class Database:
    """A database by its URL, or by its SQLite file.

    Args:
        where: the path of a SQLite file, or a URL `postgresql://[user[:password]@]host[:port]/name`.

    Raises:
        InputError: the URL is of another kind.
    """

    def __init__(self, where: Path | str) -> None:
        self._url = _url(where)
        self._engine: Engine | None = None
        self._reached = False

    def __str__(self) -> str:
        return str(self.path) if self.path else self._url.render_as_string(hide_password=True)

    @property
    def path(self) -> Path | None:
        """The SQLite file, or None for a server."""
        return Path(self._url.database or "") if self._url.get_backend_name() == "sqlite" else None

    @property
    def url(self) -> URL:
        """The URL, including its password."""
        return self._url

    @property
    def exists(self) -> bool:
        """Whether the SQLite file exists; True for a server."""
        return self.path is None or self.path.is_file()

    def create(self) -> None:
        """Create the tables that do not exist yet.

        Raises:
            HomeError: the file cannot be written, or the server not be reached.
        """
        if self.path:
            self._create_folder(self.path.parent)
        with self.transaction() as transaction:
            if self.path:
                transaction.rows("PRAGMA journal_mode=WAL")
            else:
                transaction.rows("SELECT pg_advisory_xact_lock(:creating)", {"creating": CREATING})
                transaction.execute(f"CREATE SCHEMA IF NOT EXISTS {NAMESPACE}")
            for statement in SCHEMA:
                transaction.execute(statement)

    def _create_folder(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HomeError(
                f"cannot write to the home {folder} ({error}); choose another with --home or HARNESS_HOME"
            ) from None

    def expect(self) -> None:
        """Wait for the server if the first transaction does not reach it: another process has reached it before."""
        self._reached = True

    def close(self) -> None:
        """Close the pooled connections to a server."""
        if self._engine:
            self._engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Commit at the end of the block, or undo everything if it raises.

        If a server that was reached before does not answer, wait for it for up to a minute.

        Raises:
            AwayError: the server went away during the transaction; whether it was committed is not known.
            HomeError: the database cannot be read or written.
        """
        try:
            with self._connection() as connection, connection.begin():
                yield Transaction(connection)
        except ModuleNotFoundError as error:
            raise InputError(
                f"expected {error.name} to be installed for {self}; pip install 'harness[postgres]'"
            ) from None
        except DBAPIError as error:
            cause = " ".join(str(error.orig).split())
            if error.connection_invalidated and self.path is None:
                raise AwayError(f"the database {self} went away in the middle of a transaction: {cause}") from None
            raise HomeError(
                f"expected a ledger at {self} that can be read and written, found: {cause}; "
                "choose another home with --home or HARNESS_HOME"
            ) from None

    def _connection(self) -> Connection:
        self._engine = self._engine or _engine(self._url)
        for wait_s in WAITS_S if self._reached and not self.path else ():
            try:
                return self._engine.connect()
            except OperationalError:  # nothing was executed yet, so a retry repeats nothing
                log.warning("the database %s is away; trying again in %s s", self, wait_s)
                time.sleep(wait_s)
        connection = self._engine.connect()
        self._reached = True
        return connection


def _url(where: Path | str) -> URL:
    if isinstance(where, Path):
        return URL.create("sqlite", database=str(where))
    try:
        url = make_url(where)
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


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, connect_args={"options": f"-csearch_path={NAMESPACE}"})
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": 60})
    event.listen(engine, "connect", _sync_fully)
    return engine


def _sync_fully(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous=FULL")

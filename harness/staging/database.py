"""The one database: a SQLite file in a home, or PostgreSQL where many machines take part.

The same statements run on both.
"""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.errors import HomeError
from harness.core.synced import make_folder
from harness.staging.sqlite_file import SqliteFile
from harness.staging.transaction import AbstractTransaction

if TYPE_CHECKING:
    from sqlalchemy import URL

    from harness.staging.postgres_database import PostgresDatabase

__all__ = ["VARIABLE", "Database"]

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
    "CREATE TABLE IF NOT EXISTS row_digests (name TEXT PRIMARY KEY, sha256 TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS first_launches (study TEXT PRIMARY KEY, at DOUBLE PRECISION NOT NULL)",
    """CREATE TABLE IF NOT EXISTS data_digests (
        study TEXT NOT NULL, task TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (study, task))""",
    """CREATE TABLE IF NOT EXISTS code_digests (
        study TEXT NOT NULL, kind TEXT NOT NULL, python TEXT NOT NULL, digest TEXT NOT NULL, changes INTEGER NOT NULL,
        PRIMARY KEY (study, kind))""",
)


class Database:
    """A database by its URL, or by its SQLite file.

    Args:
        where: the path of a SQLite file, or a URL `postgresql://[user[:password]@]host[:port]/name`.

    Raises:
        InputError: the URL is of another kind.
    """

    def __init__(self, where: Path | str) -> None:
        self._place = SqliteFile(where) if isinstance(where, Path) else _place(where)

    def __str__(self) -> str:
        return str(self._place)

    @property
    def path(self) -> Path | None:
        """The SQLite file, or None for a server."""
        return self._place.path if isinstance(self._place, SqliteFile) else None

    @property
    def url(self) -> "URL | None":
        """The server's URL, including its password, or None for a SQLite file."""
        return None if isinstance(self._place, SqliteFile) else self._place.url

    def quoted(self, said: str) -> str:
        """Return what the database said without what a server was sent, such as a password."""
        return said if isinstance(self._place, SqliteFile) else self._place.quoted(said)

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
            self._place.prepare(transaction)
            for statement in SCHEMA:
                transaction.execute(statement)

    def _create_folder(self, folder: Path) -> None:
        try:
            make_folder(folder)
        except OSError as error:
            raise HomeError(
                f"cannot write to the home {folder} ({error}); choose another with --home or HARNESS_HOME"
            ) from None

    def expect(self) -> None:
        """Wait for the server if the first transaction does not reach it: another process has reached it before."""
        if not isinstance(self._place, SqliteFile):
            self._place.reached = True

    def close(self) -> None:
        """Close the pooled connections to a server."""
        if not isinstance(self._place, SqliteFile):
            self._place.close()

    def transaction(self) -> AbstractContextManager[AbstractTransaction]:
        """Commit at the end of the block, or undo everything if it raises.

        If a server that was reached before does not answer, wait for it for up to a minute.

        Raises:
            AwayError: the server went away during the transaction; whether it was committed is not known.
            HomeError: the database cannot be read or written.
        """
        return self._place.transaction()


def _place(storage: str) -> "SqliteFile | PostgresDatabase":
    from harness.staging.postgres_database import PostgresDatabase, parse_url  # SQLAlchemy, which a file does not need

    url = parse_url(storage)
    return SqliteFile(Path(url.database or "")) if url.get_backend_name() == "sqlite" else PostgresDatabase(url)

"""Where MLflow keeps its database and artifacts, and the lock under which processes of one machine write there."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.core.errors import HomeError

__all__ = [
    "SQLITE",
    "artifacts_beside",
    "database_of",
    "default_tracking_uri",
    "home_database",
    "sqlite_uri",
    "taking_turns",
]

SQLITE = "sqlite:///"
PLAIN = "/._-"


def home_database(home: Path) -> Path:
    """Return the SQLite file that holds MLflow's database in `home`."""
    return home.absolute() / "mlflow.sqlite"


def default_tracking_uri(home: Path) -> str:
    """Return the URI of the MLflow database in `home`."""
    return sqlite_uri(home_database(home))


def sqlite_uri(database: Path) -> str:
    """Return the URI of a SQLite file, whatever characters its path has."""
    if _is_plain(str(database)):
        return f"{SQLITE}{database}"
    from sqlalchemy import URL

    return URL.create("sqlite", database=str(database)).render_as_string()


def database_of(tracking_uri: str) -> Path | None:
    """Return the SQLite file that `tracking_uri` names, or None if it names a server."""
    if not tracking_uri.startswith(SQLITE):
        return None
    database: str | None = tracking_uri.removeprefix(SQLITE)
    if not _is_plain(tracking_uri.removeprefix(SQLITE)):
        from sqlalchemy import make_url

        database = make_url(tracking_uri).database
    return Path(database) if database else None


def artifacts_beside(database: Path) -> Path:
    """Return the folder for the artifacts of the runs in `database`."""
    return database.absolute().parent / "mlartifacts"


@contextmanager
def taking_turns(tracking_uri: str) -> Iterator[None]:
    """Let one process or thread at a time write to a SQLite file; a server coordinates its clients itself.

    Two processes that create the file at once damage it, and two that project the same run at once would show it
    twice.

    Raises:
        HomeError: the folder of the file cannot be written.
    """
    database = database_of(tracking_uri)
    if database is None:
        yield
        return
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        lock = database.with_name(f"{database.name}.lock").open("a")
    except OSError as error:
        raise HomeError(f"cannot write to {database.parent} ({error}); choose another home") from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # released when the file is closed, also by a crash
        yield


def _is_plain(path: str) -> bool:
    """Return whether a path is the same in a URI; SQLAlchemy, which knows the others, takes a while to load."""
    return all(character.isalnum() or character in PLAIN for character in path)

"""Where Optuna keeps its trials: in a SQLite file of the home, or beside the ledger on a server."""

from pathlib import Path

import optuna
from optuna.storages import RDBStorage
from sqlalchemy import URL
from sqlalchemy.pool import NullPool

from harness.core.errors import HomeError
from harness.staging.workspace import Workspace

__all__ = ["PATIENCE_S", "open_storage", "optuna_file"]

FILE = "optuna.sqlite"
PATIENCE_S = 60  # for other processes that write


def optuna_file(workspace: Workspace) -> Path | None:
    """Return the SQLite file, or None for a server."""
    return None if workspace.ledger.database.url is not None else workspace.home / FILE


def open_storage(workspace: Workspace) -> RDBStorage:
    """Open the database; make it if it does not exist.

    Raises:
        HomeError: another version of Optuna made its tables.
    """
    try:
        return _opened(workspace)
    except RuntimeError:  # as Optuna says it
        file = optuna_file(workspace)
        raise HomeError(
            f"expected tables of Optuna {optuna.__version__} in {file or workspace.ledger.database}, found those of "
            "another version; install the version that made them"
            + (", or move the file away: all in it is in the ledger" if file else "")
        ) from None


def _opened(workspace: Workspace) -> RDBStorage:
    file, database = optuna_file(workspace), workspace.ledger.database
    if file is None:
        assert database.url is not None
        from harness.staging.postgres_connection import engine_arguments  # psycopg, which few have

        url = database.url.render_as_string(hide_password=False)
        # A connection that was kept may be to a server that was started anew meanwhile.
        return RDBStorage(url, engine_kwargs={"poolclass": NullPool, **engine_arguments(database.url)})
    file.parent.mkdir(parents=True, exist_ok=True)  # the ledger may be a file elsewhere
    address = URL.create("sqlite", database=str(file)).render_as_string()
    return RDBStorage(address, engine_kwargs={"connect_args": {"timeout": PATIENCE_S}})

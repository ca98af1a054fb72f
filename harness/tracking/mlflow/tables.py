"""MLflow's tables in a SQLite file: whether they are those that `rows` writes to, and how a file gets them."""

import hashlib
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from importlib import metadata
from pathlib import Path

__all__ = ["new_database", "tables_are_known"]

# Of MLflow 3.17 and 3.18. All that rows are written to is the same in both.
REVISIONS = ("dc11669786a5", "f4a9b2c7d1e6")
USED = (
    "datasets", "experiment_tags", "experiments", "input_tags", "inputs", "latest_metrics", "metrics", "params", "runs",
    "tags",
)  # fmt: skip
DEFINITIONS = "74c03eb9ca8b105435c0409ddff0dc48d601b16b2c67c388158e20ab179d1497"  # of the used tables
WORKSPACES = "MLFLOW_ENABLE_WORKSPACES"  # with them, MLflow looks at rows of one workspace alone
CACHE = "harness"
DIGEST_CHARACTERS = 16
NO_CACHE = (OSError, RuntimeError)  # its folder cannot be written, or nobody has a home; each database is built then


def tables_are_known(connection: sqlite3.Connection) -> bool:
    """Return whether a database has the tables, indices and triggers, and the revision, for which rows were compared.

    Raises:
        sqlite3.Error: it is no database.
    """
    if os.environ.get(WORKSPACES, "").lower() in ("true", "1"):
        return False
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchall():
        return False
    revisions = [row[0] for row in connection.execute("SELECT version_num FROM alembic_version")]
    return len(revisions) == 1 and revisions[0] in REVISIONS and _definitions(connection) == DEFINITIONS


def new_database(file: Path, create: Callable[[Path], None]) -> None:
    """Create a SQLite database with MLflow's tables.

    MLflow builds them by going through its whole history, which takes seconds. So what it has built is kept in the
    user's cache, one file for each version, whose name holds the digest of its content.

    Args:
        file: that does not exist.
        create: has MLflow build its tables in a file.
    """
    unfinished = file.with_name(f"{file.name}.unfinished")  # a creation that is cut short leaves a broken one
    unfinished.unlink(missing_ok=True)
    name = f"mlflow-{metadata.version('mlflow')}"
    if (kept := _kept(name)) is None:
        create(unfinished)
        _keep(unfinished, name)
    else:
        unfinished.write_bytes(kept)
        _date(unfinished)
    unfinished.rename(file)


def _definitions(connection: sqlite3.Connection) -> str:
    """Return a digest of how the used tables are defined, and of all that belongs to them."""
    rows = connection.execute(
        f"SELECT type, name, sql FROM sqlite_master WHERE tbl_name IN ({', '.join('?' * len(USED))}) ORDER BY 1, 2",
        USED,
    )
    # Words in order: MLflow defines the same constraints in another order each time.
    definitions = [(kind, name, sorted(re.split(r"[\s,]+", sql or ""))) for kind, name, sql in rows]
    return hashlib.sha256(repr(definitions).encode()).hexdigest()


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / CACHE


def _kept(name: str) -> bytes | None:
    """Return a database that was built before, unless it has changed since."""
    with suppress(*NO_CACHE):
        for path in _cache().glob(f"{name}-*.sqlite"):
            content = path.read_bytes()
            if path.stem == f"{name}-{_digest(content)}":
                return content
    return None


def _keep(database: Path, name: str) -> None:
    with suppress(*NO_CACHE):
        _cache().mkdir(parents=True, exist_ok=True)
        path = _cache() / f"{name}-{_digest(database.read_bytes())}.sqlite"
        partial = path.with_name(f"{path.name}.{os.getpid()}")
        shutil.copyfile(database, partial)
        partial.replace(path)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGEST_CHARACTERS]


def _date(database: Path) -> None:
    """Let MLflow's default experiment begin now, in the working folder, as MLflow does."""
    now_ms, artifacts = int(time.time() * 1000), Path.cwd() / "mlruns" / "0"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "UPDATE experiments SET artifact_location = ?, creation_time = ?, last_update_time = ? "
            "WHERE experiment_id = 0",
            (str(artifacts), now_ms, now_ms),
        )

"""Opening a workspace, by what is said or by what the environment says."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from harness.staging.database import VARIABLE

if TYPE_CHECKING:
    from harness.staging.workspace import Workspace

__all__ = ["data_folder", "open_workspace", "workspace_at"]

DEFAULT_HOME = "runs"


def workspace_at(
    home: str | Path | None = None, storage: str | None = None, store: str | Path | None = None
) -> "Workspace":
    """Return the workspace that a script names; what it leaves open is what the command line's variables say.

    Args:
        home: the folder of all that was run; else `HARNESS_HOME`, else `runs` here.
        storage: the URL of one database for many machines; else `HARNESS_STORAGE`, else SQLite files in the home.
        store: the folder of finished stages; else `HARNESS_STORE`, else `store` in the home.
    """
    folder = home if home is not None else os.environ.get("HARNESS_HOME") or DEFAULT_HOME
    stages = store if store is not None else os.environ.get("HARNESS_STORE")
    return open_workspace(Path(folder), storage or os.environ.get(VARIABLE), Path(stages) if stages else None)


def open_workspace(home: Path, storage: str | None = None, store: Path | None = None) -> "Workspace":
    """Return a workspace; nothing is written yet."""
    from harness.staging.workspace import Workspace

    return Workspace(home, storage, store, data_folder())


def data_folder() -> Path | None:
    """Return the folder in which data files are looked for first: `HARNESS_DATA_DIR`, if it is set."""
    name = os.environ.get("HARNESS_DATA_DIR")
    return Path(name) if name else None

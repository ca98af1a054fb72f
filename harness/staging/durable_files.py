"""Files and folders that are on disk when a function returns, not only in the system's memory."""

import os
from collections.abc import Iterable
from pathlib import Path

from harness.staging.snapshot_format import Buffer

__all__ = ["sync_folder", "write_synced"]


def write_synced(path: Path, pieces: Iterable[Buffer]) -> None:
    """Write a file; its name is safe once its folder is synced, too."""
    with path.open("wb") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names in a folder safe."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

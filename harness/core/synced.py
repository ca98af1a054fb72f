"""What is on disk when a function returns, not only in the system's memory."""

import os
from pathlib import Path

__all__ = ["make_folder", "sync"]


def sync(path: Path) -> None:
    """Make a file safe, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, so that their names are safe, too.

    Raises:
        OSError: it cannot be made.
    """
    missing = [path for path in (folder, *folder.parents) if not path.is_dir()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        sync(path.parent)

"""What is on disk when a function returns, not only in the system's memory."""

import os
from pathlib import Path

__all__ = ["sync"]


def sync(path: Path) -> None:
    """Make a file safe, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

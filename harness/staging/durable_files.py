"""Files and folders that are on disk when a function returns, not only in the system's memory."""

import ctypes
import errno
import os
from collections.abc import Iterable
from pathlib import Path

from harness.staging.snapshot_format import Buffer

__all__ = ["exchanged", "is_denied", "write_synced"]

DENIED = (errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ENOMEM)

RENAME_EXCHANGE, HERE = 2, -100  # of Linux's `renameat2`; macOS's `renamex_np` has the same number for its swap


def write_synced(path: Path, pieces: Iterable[Buffer]) -> None:
    """Write a file; its name is safe once its folder is synced, too."""
    with path.open("wb") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def exchanged(one: Path, other: Path) -> bool:
    """Let two folders change places, so that at no moment one of them is missing; False where that cannot be done."""
    library, names = ctypes.CDLL(None), (os.fsencode(one), os.fsencode(other))
    try:
        if hasattr(library, "renameat2"):
            return bool(library.renameat2(HERE, names[0], HERE, names[1], RENAME_EXCHANGE) == 0)
        return bool(library.renamex_np(*names, RENAME_EXCHANGE) == 0)
    except AttributeError:
        return False


def is_denied(error: OSError) -> bool:
    """Return whether a file may be whole, though it cannot be read: another user's, or one more than can be open."""
    return error.errno in DENIED

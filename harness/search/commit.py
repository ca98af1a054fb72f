"""The git commit of the checkout that a study was loaded from."""

import subprocess
from pathlib import Path

__all__ = ["commit_of"]

LIMIT_S = 10.0
# --exclude: no tag's name, only the hash; "-dirty" is added where files that git knows have changed.
DESCRIBE = ("git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")


def commit_of(file: str) -> str:
    """Return the hash of the commit checked out around `file`, with `-dirty` behind it if something has changed since.

    It is an empty string outside a repository, on a machine without git, and for a file that is not on this machine.

    >>> commit_of("")
    ''
    """
    folder = Path(file).parent
    if not file or not folder.is_dir():
        return ""
    try:
        result = subprocess.run(DESCRIBE, cwd=folder, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""

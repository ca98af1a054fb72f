"""What a home holds, whatever process left it there: from two homes with the same contents a command goes on alike."""

import hashlib
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

__all__ = ["digest_of_home"]

OWNER = re.compile(r'(\["[^"]*", "[^"]*"), \d+, "tick \d+"\]')  # a process of this machine
TEMPORARY = re.compile(r"\.[a-z0-9_]{8}\b|(?<=\d-)[a-z0-9_]{8}\b")  # the end of a name that `tempfile` makes


def digest_of_home(home: Path, scratch: Path) -> str:
    """Return a digest of the contents of all files, and of databases as SQLite reads them.

    SQLite recovers what was cut short, in a copy, `scratch`. Which process holds a lease and how a temporary folder is
    called are left out: they are others each time.
    """
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(home, scratch, symlinks=True)
    databases = sorted(scratch.glob("*.sqlite"))
    texts = [text for path in databases for text in _held(path)]
    texts += [text for path in sorted(scratch.rglob("*")) if path not in databases for text in _written(path, scratch)]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _held(database: Path) -> Iterator[str]:
    """Yield what is in a database; closing it leaves no journal behind."""
    with closing(sqlite3.connect(database)) as connection:
        for pragma in ("journal_mode", "page_count", "user_version"):
            yield f"{database.name}: {pragma} {connection.execute(f'PRAGMA {pragma}').fetchall()}"
        yield from (OWNER.sub(r"\1]", line) for line in connection.iterdump())


def _written(path: Path, folder: Path) -> Iterator[str]:
    content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    yield f"{TEMPORARY.sub('.*', str(path.relative_to(folder)))}: {content}"

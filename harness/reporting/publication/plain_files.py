"""Reading files of a folder that anybody may have written: plain ones alone, and no more than each should hold."""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

__all__ = ["MOST_BYTES", "plain_files", "read_plain"]

MOST_BYTES = 2**30  # of a file that a report may have; the largest published one has 1 MB
MOST_FILES = 10_000
ENOUGH_BYTES = 2**24  # is read of any file, to say in what it differs from the one that should be there


def plain_files(folder: Path) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Return the sizes of a folder's plain files by relative path, and what else is there, as (path, what).

    Nothing is opened, and no link is followed.
    """
    sizes: dict[str, int] = {}
    refused: list[tuple[str, str]] = []
    for path, status in _entries(folder, ""):
        if len(sizes) + len(refused) >= MOST_FILES:
            refused.append((path, f"is one of more than {MOST_FILES:,} files"))
            break
        if status is None:
            refused.append((path, "cannot be looked at"))
        elif stat.S_ISREG(status.st_mode):
            sizes[path] = status.st_size
        else:
            kind = "a link" if stat.S_ISLNK(status.st_mode) else "no plain file"
            refused.append((path, f"is {kind}, and is not opened"))
    return dict(sorted(sizes.items())), sorted(refused)


def _entries(folder: Path, below: str) -> Iterator[tuple[str, os.stat_result | None]]:
    """Yield what lies in a folder and the folders in it, with its status, but for these folders themselves."""
    for name in sorted(os.listdir(folder / below)):  # noqa: PTH208  # names may be no text
        path = f"{below}/{name}" if below else name
        try:
            status = os.lstat(folder / path)
            if stat.S_ISDIR(status.st_mode):
                yield from _entries(folder, path)
                continue
        except (OSError, RecursionError):
            yield path, None
            continue
        yield path, status


def read_plain(
    folder: Path, sizes: Mapping[str, int], stated: Mapping[str, int]
) -> tuple[dict[str, bytes], list[tuple[str, str]]]:
    """Return the contents of files by path, and what is wrong with those that are not read.

    Args:
        folder: in which they lie.
        sizes: of the files, as `plain_files` returns them.
        stated: how many bytes they should have, as far as that is known.
    """
    contents, refused = {}, []
    for path, size in sizes.items():
        if size > max(min(stated.get(path, 0), MOST_BYTES), ENOUGH_BYTES):
            should = f"{stated[path]:,}" if stated.get(path, MOST_BYTES) < MOST_BYTES else "at most so many"
            refused.append((path, f"has {size:,} bytes, expected {should}, and is not read"))
            continue
        try:
            contents[path] = _content(folder / path, size)
        except OSError as error:
            refused.append((path, f"cannot be read: {error.strerror}"))
    return contents, refused


def _content(path: Path, size: int) -> bytes:
    """Return `size` bytes of a plain file.

    Raises:
        OSError: it is none any more, or cannot be read.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(handle, "rb") as stream:  # noqa: PTH123  # a handle that follows no link and waits for nobody
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(0, "is no plain file any more")
        return stream.read(size)

"""A report's files appear all at once, or not at all.

At every moment, whoever is killed, a folder holds a whole report: the one that was there or the new one. Everything is
on disk before the two change places. What people wrote beside it (`KEPT`) is in both.
"""

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.core.errors import InputError
from harness.core.synced import make_folder, sync
from harness.staging.durable_files import exchanged, write_synced

__all__ = ["KEPT", "publish"]

KEPT = "README.md"  # what people write beside a report
PAGE = "report.html"  # with it and one of the others, a folder is a report
MARKS = {"manifest.json", "summary.json"}
NEW, OLD = "new", "old"  # in a folder beside that of the report


def publish(out: Path, files: Mapping[str, bytes]) -> None:
    """Write `files`, by relative path, as the folder `out`; a report that is there is replaced but for its README.

    What a process left that was killed here is cleared.

    Raises:
        InputError: `out` is there and is no report, or cannot be written.
    """
    place = out.resolve()
    try:
        make_folder(place.parent)
        with _alone_in(place.parent):
            _clear_leftovers(place)
            _check(out)
            with tempfile.TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as workplace:
                _replace(place, files, Path(workplace))
    except OSError as error:
        raise InputError(f"cannot write the report to {out} ({error}); choose another folder with --out") from error


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Let one process at a time publish in a folder; without file locks there, let all."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _check(out: Path) -> None:
    if not out.exists():
        return
    names = {path.name for path in out.iterdir()} if out.is_dir() else {out.name}
    kept = {KEPT} if (out / KEPT).is_file() else set()
    if names - kept and not (PAGE in names and names & MARKS):
        found = ", ".join(sorted(names)[:5])
        raise InputError(f"expected a report, or nothing, at {out}; found {found}; choose another folder with --out")


def _replace(out: Path, files: Mapping[str, bytes], workplace: Path) -> None:
    new = workplace / NEW
    for name, content in files.items():
        path = new / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_synced(path, [content])
    _keep(out, new)
    for folder, _, _ in os.walk(new):
        sync(Path(folder))
    if not out.exists():
        new.rename(out)
    elif exchanged(new, out):
        _rescue(new, out)
    else:
        _rename_both(out, new, workplace / OLD)
    sync(out.parent)


def _keep(out: Path, new: Path) -> None:
    """Put what people wrote into the new folder, too: the same file, so that whoever is writing it writes both."""
    if (out / KEPT).is_file():
        try:
            os.link(out / KEPT, new / KEPT, follow_symlinks=False)
        except OSError:
            shutil.copy2(out / KEPT, new / KEPT, follow_symlinks=False)


def _rescue(left: Path, out: Path) -> None:
    """Move what people wrote from the report that was there, if they have replaced it while the new one was written."""
    theirs, ours = left / KEPT, out / KEPT
    if theirs.is_file() and not (ours.is_file() and theirs.lstat().st_mtime_ns <= ours.lstat().st_mtime_ns):
        theirs.replace(ours)


def _rename_both(out: Path, new: Path, old: Path) -> None:
    """Replace `out` where folders cannot change places; a process that is killed in between leaves it to the next."""
    out.rename(old)
    try:
        new.rename(out)
    except OSError:
        old.rename(out)
        raise


def _clear_leftovers(out: Path) -> None:
    for left in list(_leftovers(out)):
        if (left / OLD).is_dir() and not out.exists():
            (left / OLD).rename(out)
        if out.is_dir():
            for name in (NEW, OLD):
                _rescue(left / name, out)
        shutil.rmtree(left)


def _leftovers(out: Path) -> Iterator[Path]:
    named = re.compile(rf"\.{re.escape(out.name)}\.[a-z0-9_]{{8}}")  # as `tempfile` names folders
    for path in out.parent.iterdir():
        if named.fullmatch(path.name) and path.is_dir() and {inner.name for inner in path.iterdir()} <= {NEW, OLD}:
            yield path

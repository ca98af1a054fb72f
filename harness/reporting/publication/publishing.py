"""A report's files appear all at once, or not at all."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from harness.core.errors import InputError

__all__ = ["KEPT", "publish"]

KEPT = "README.md"  # what people write beside a report
PAGE = "report.html"  # with it and one of the others, a folder is a report
MARKS = {"manifest.json", "summary.json"}


def publish(out: Path, files: Mapping[str, bytes]) -> None:
    """Write `files`, by relative path, as the folder `out`; a report that is there is replaced but for its README.

    Raises:
        InputError: `out` is there and is no report, or cannot be written.
    """
    _check(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as workplace:
            _replace(out, files, Path(workplace))
    except OSError as error:
        raise InputError(f"cannot write the report to {out} ({error}); choose another folder with --out") from error


def _check(out: Path) -> None:
    if not out.exists():
        return
    names = {path.name for path in out.iterdir()} if out.is_dir() else {out.name}
    if names - {KEPT} and not (PAGE in names and names & MARKS):
        found = ", ".join(sorted(names)[:5])
        raise InputError(f"expected a report, or nothing, at {out}; found {found}; choose another folder with --out")


def _replace(out: Path, files: Mapping[str, bytes], workplace: Path) -> None:
    new, old = workplace / "new", workplace / "old"
    for name, content in files.items():
        path = new / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    if (out / KEPT).is_file():
        shutil.copy2(out / KEPT, new / KEPT)
    if out.exists():
        out.rename(old)
    try:
        new.rename(out)
    except OSError:
        if old.exists():
            old.rename(out)
        raise

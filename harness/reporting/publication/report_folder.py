"""Reading a report's folder, whoever wrote it."""

from pathlib import Path

from harness.core.errors import InputError
from harness.reporting.publication.manifest import MANIFEST
from harness.reporting.publication.publishing import KEPT

__all__ = ["read_report"]


def read_report(folder: Path) -> dict[str, bytes]:
    """Return the files of a report by relative path, without the README that people may lay beside them.

    Raises:
        InputError: the folder holds no report, or a link, which could lead anywhere.
    """
    if not (folder / MANIFEST).is_file() and not (folder / "summary.json").is_file():
        raise InputError(f"expected the folder of a report at {folder}, found no {MANIFEST}; name one that was written")
    paths = sorted(folder.rglob("*"))
    for path in paths:
        if path.is_symlink():
            raise InputError(f"expected plain files in {folder}, found a link at {path.relative_to(folder)}; remove it")
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths if path.is_file()}
    files.pop(KEPT, None)
    return files

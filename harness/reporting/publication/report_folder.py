"""Reading a report's folder, whoever wrote it."""

from pathlib import Path

from harness.core.errors import InputError
from harness.reporting.publication.manifest import MANIFEST, check_files
from harness.reporting.publication.publishing import KEPT
from harness.reporting.publication.source_files import SOURCES, STUDY

__all__ = ["read_intact_report", "read_report"]

MARKS = (MANIFEST, STUDY, "summary.json")


def read_report(folder: Path) -> dict[str, bytes]:
    """Return the files of a report by relative path, without the README that people may lay beside them.

    Raises:
        InputError: the folder holds no report, or a link, which could lead anywhere.
    """
    if not any((folder / name).is_file() for name in MARKS):
        raise InputError(f"expected the folder of a report at {folder}, found no {MANIFEST}; name one that was written")
    paths = sorted(folder.rglob("*"))
    for path in paths:
        if path.is_symlink():
            raise InputError(f"expected plain files in {folder}, found a link at {path.relative_to(folder)}; remove it")
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths if path.is_file()}
    files.pop(KEPT, None)
    return files


def read_intact_report(folder: Path) -> dict[str, bytes]:
    """Return the files of a report that are the ones its manifest names, with its data among them.

    Raises:
        InputError: the folder holds no report, or not the one that was written.
    """
    files = read_report(folder)
    problems = check_files(files)
    if problems or set(SOURCES) - set(files):
        what = f"{problems[0][0]} {problems[0][1]}" if problems else "no data"
        raise InputError(f"expected a report as it was written at {folder}, found: {what}; see harness verify {folder}")
    return files

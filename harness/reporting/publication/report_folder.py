"""Reading a report's folder, whoever wrote it."""

from pathlib import Path

from harness.core.errors import InputError
from harness.reporting.publication.manifest import MANIFEST, check_files, stated_bytes
from harness.reporting.publication.plain_files import plain_files, read_plain
from harness.reporting.publication.publishing import KEPT
from harness.reporting.publication.readable import unreadable
from harness.reporting.publication.source_files import SOURCES, STUDY

__all__ = ["read_intact_report", "read_report", "scan_report"]

MARKS = (MANIFEST, STUDY, "summary.json")


def scan_report(folder: Path) -> tuple[dict[str, bytes], list[tuple[str, str]]]:
    """Return the files of a report by relative path, and what else lies there and was not read, as (path, what).

    Whoever wrote the folder, nothing but plain files is opened, and no more is read of one than it should hold. The
    README that people may lay beside a report is none of its files.

    Raises:
        InputError: the folder holds no report.
    """
    if not any((folder / name).is_file() for name in MARKS):
        raise InputError(f"expected the folder of a report at {folder}, found no {MANIFEST}; name one that was written")
    sizes, refused = plain_files(folder)
    sizes.pop(KEPT, None)
    first, wrong = read_plain(folder, {name: size for name, size in sizes.items() if name == MANIFEST}, {})
    rest = {name: size for name, size in sizes.items() if name != MANIFEST}
    files, others = read_plain(folder, rest, stated_bytes(first.get(MANIFEST, b"")))
    files |= first
    return dict(sorted(files.items())), [*refused, *wrong, *others]


def read_report(folder: Path) -> dict[str, bytes]:
    """Return the files of a report by relative path, as `scan_report` does.

    Raises:
        InputError: the folder holds no report, or something that cannot be read.
    """
    files = _plain_report(folder)
    if wrong := unreadable(files):
        raise InputError(f"expected files in {folder} that can be read, found: {' '.join(wrong[0])}")
    return files


def _plain_report(folder: Path) -> dict[str, bytes]:
    files, refused = scan_report(folder)
    if refused:
        raise InputError(f"expected plain files in {folder}, found: {' '.join(refused[0])}; remove it")
    return files


def read_intact_report(folder: Path) -> dict[str, bytes]:
    """Return the files of a report that are the ones its manifest names, with its data among them.

    Raises:
        InputError: the folder holds no report, or not the one that was written.
    """
    files = _plain_report(folder)
    problems = check_files(files) or unreadable(files)
    if problems or set(SOURCES) - set(files):
        what = f"{problems[0][0]} {problems[0][1]}" if problems else "no data"
        raise InputError(f"expected a report as it was written at {folder}, found: {what}; see harness verify {folder}")
    return files

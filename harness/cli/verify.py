"""`harness verify`: whether a report is what was written, and follows from its data."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from harness.reporting.verify import Verification

__all__ = ["verify"]

EXIT_CODES = {"PASS-BITWISE": 0, "PASS-TOLERANCE": 0, "FAIL": 1, "CANNOT-RUN": 3}
MOST = 20


def verify(
    report: Annotated[Path, typer.Argument(help="The folder of a report.")],
    tolerance: Annotated[
        float | None,
        typer.Option(min=0, help="For a report of another machine: how far numbers may differ, such as 1e-9."),
    ] = None,
) -> None:
    """Check a report's files, write it anew from its data, and compare. Exit codes: 0 pass, 1 fail, 3 cannot run."""
    from harness.reporting.verify import verify as verified

    found = verified(report, tolerance)
    for line in _lines(found):
        typer.echo(line)
    raise typer.Exit(EXIT_CODES[found.outcome])


def _lines(found: "Verification") -> list[str]:
    lines = [f"level {problem.level}: {problem.path}: {problem.what}" for problem in found.problems[:MOST]]
    if len(found.problems) > MOST:
        lines.append(f"and {len(found.problems) - MOST} more")
    if found.outcome != "PASS-BITWISE" and found.differences:
        lines.append(f"this environment differs from the report's: {'; '.join(found.differences)}")
    if found.outcome == "CANNOT-RUN":
        lines.append("install the versions in environment.json, or compare numbers alone with --tolerance 1e-9")
    if found.not_compared:
        lines.append(f"not compared, since another environment writes other bytes: {', '.join(found.not_compared)}")
    said = {
        "PASS-BITWISE": f"all {found.files} files are those of the manifest and follow from the data, byte for byte",
        "PASS-TOLERANCE": f"all {found.files} files are those of the manifest, and all numbers follow from the data",
        "FAIL": "the report is not what was written, or does not follow from its data",
        "CANNOT-RUN": "the report cannot be written anew to the byte in this environment",
    }
    return [*lines, f"{found.outcome}: {said[found.outcome]}"]

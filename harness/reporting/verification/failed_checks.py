"""The checks of a report that fail, computed from its data, and the runs that did."""

import csv
import io
from collections.abc import Mapping

import pandas as pd

__all__ = ["CHECKS", "failed_checks", "failed_runs"]

CHECKS = "tables/integrity.csv"
# By these, the runs are none of the study; by others a comparison is less fair, as its report says.
DECISIVE = ("plan unchanged", "registered", "runs as planned")


def failed_checks(files: Mapping[str, bytes], *, decisive: bool) -> list[str]:
    """Return the checks that fail, each with its evidence: those by which a report is wrong, or all others.

    Args:
        files: of a report, written from its data a moment ago.
        decisive: which of the two.
    """
    rows = csv.DictReader(io.StringIO(files.get(CHECKS, b"").decode(), newline=""))
    return [
        f"the check {row['what']!r} fails: {row['evidence']}"
        for row in rows
        if row["found"] == "FAIL" and (row["what"] in DECISIVE) == decisive
    ]


def failed_runs(runs: pd.DataFrame) -> tuple[str, ...]:
    """Say how many runs failed, by the reason that was recorded, the commonest first."""
    failed = runs.loc[runs["status"] == "failed", "reason"].astype(str)
    return tuple(
        f"{amount} of {len(runs)} runs failed: {reason or 'no reason recorded'}"
        for reason, amount in failed.value_counts().items()
    )

"""What the captions of curves have in common."""

import pandas as pd

from harness.reporting.analysis.pairing import Comparison
from harness.reporting.checks.fairness import same_start
from harness.reporting.context import ReportContext
from harness.reporting.data.alignment import MOST_LINES
from harness.reporting.data.wording import listed

__all__ = ["of_controls", "of_how_many"]


def of_how_many(comparison: Comparison) -> str:
    """Say, within a caption, how many of the configurations are drawn as lines of their own, if not all are."""
    units = comparison.mean.units
    return f" ({MOST_LINES} of {units:,}, evenly by number)" if units > MOST_LINES else ""


def of_controls(context: ReportContext, curves: pd.DataFrame) -> str:
    """Say where arms that never grow stand, or else, if every pair shares it, that before the growth runs are one."""
    found = sorted(set(curves.loc[~curves["grew"], "arm"].astype(str)))
    if not found:
        which = "arms" if len(context.data.arms) == 2 else "two compared arms"
        same = same_start(context.account).status == "PASS"
        return f" Before the growth the {which} are the same runs." if same else ""
    return f" Runs that never grew ({listed(found)}) count updates from the growth of the runs beside them."

"""What the captions and the data of curves have in common."""

from collections.abc import Mapping

import pandas as pd

from harness.reporting.analysis.pairing import Comparison
from harness.reporting.data.alignment import MOST_LINES
from harness.reporting.data.wording import listed

__all__ = ["long_form", "of_controls", "of_how_many"]

COLUMNS = ("series", "shown", "arm", "trial", "grown", "offset", "value", "low", "high", "units")


def long_form(series: Mapping[str, tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]]) -> pd.DataFrame:
    """Return everything drawn as one frame: what a line shows is in `shown`, whose line it is in `arm` and `trial`."""
    parts = [
        frame.assign(series=name, shown=shown)
        for name, frames in series.items()
        for shown, frame in zip(("configuration", "mean", "paired difference"), frames, strict=True)
        if len(frame)
    ]
    joined = pd.concat(parts, ignore_index=True)
    return joined[[name for name in COLUMNS if name in joined]]


def of_how_many(comparison: Comparison) -> str:
    """Say, within a caption, how many of the configurations are drawn as lines of their own, if not all are."""
    units = comparison.mean.units
    return f" ({MOST_LINES} of {units:,}, evenly by number)" if units > MOST_LINES else ""


def of_controls(curves: pd.DataFrame) -> str:
    """Say where arms that never grow stand, or else that before the growth there is nothing to tell arms apart by."""
    found = sorted(set(curves.loc[~curves["grew"], "arm"].astype(str)))
    if not found:
        return " Before the growth the arms are the same runs."
    return f" Runs that never grew ({listed(found)}) count updates from the growth of the runs beside them."

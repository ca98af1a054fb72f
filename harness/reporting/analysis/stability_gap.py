"""What is forgotten just after a growth, and when it has come back (the stability gap, arXiv 2205.13452)."""

import numpy as np
import pandas as pd

from harness.reporting.data.columns import RUN

__all__ = ["NEAR", "finest_interval", "known_accuracy", "stability_gaps"]

NEAR = 0.01  # below the accuracy before the growth, counts as recovered


def known_accuracy(curves: pd.DataFrame) -> str | None:
    """Return the series of the one head whose accuracy was measured before the growth, or None."""
    before = set(curves.loc[curves["grew"] & ~curves["grown"], "name"])
    names = sorted(name for name in before if name.startswith("val/accuracy/") and name != "val/accuracy/all")
    return names[0] if len(names) == 1 else None


def finest_interval(curves: pd.DataFrame, name: str, usual: int) -> tuple[int, int]:
    """Return how many updates lie between evaluations just after the growth, and until which update that is so.

    Where a study evaluates more often for a while after a growth, that is less than the usual number.
    """
    chosen = curves[(curves["name"] == name) & curves["grown"] & curves["grew"]]
    runs = [np.unique(part) for _, part in chosen.groupby(RUN, observed=True)["steps_since_growth"]]
    nearest = [np.diff(since[since <= usual]).min() for since in runs if (since <= usual).sum() > 1]
    fine = int(np.median(nearest)) if 2 * len(nearest) > len(runs) else usual
    if fine >= usual:
        return usual, 0
    ends = [since[:-1][np.diff(since) > fine] for since in runs]
    return fine, int(min(end[0] if len(end) else since[-1] for end, since in zip(ends, runs, strict=True)))


def stability_gaps(curves: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return one row a run that grew: how accuracy `name` fell and came back after the growth, as it was measured.

    Returns:
        `trial, arm, seed`; `lowest` and `last`, relative to the last evaluation before the growth; `area`, in accuracy
        times updates, of what lies below that; `recovered`, the update at which accuracy was within one point of it
        again after its lowest, or NaN if it never was.
    """
    rows = []
    series = curves[(curves["name"] == name) & curves["grew"] & np.isfinite(curves["value"])]
    for run, part in series.groupby(RUN, observed=True):
        grown = part["grown"].to_numpy()
        if grown.all() or not grown.any():
            continue
        since, value = part["steps_since_growth"].to_numpy(np.float64), part["value"].to_numpy(np.float64)
        rows.append((*run, *_gap(since[grown], value[grown] - value[~grown][-1])))
    return pd.DataFrame(rows, columns=[*RUN, "lowest", "area", "recovered", "last"])


def _gap(since: np.ndarray, change: np.ndarray) -> tuple[float, float, float, float]:
    bottom = int(change.argmin())
    back = np.flatnonzero(change[bottom:] >= -NEAR)
    recovered = float(since[bottom + back[0]]) if len(back) else np.nan
    return float(change[bottom]), float(np.trapezoid(np.maximum(-change, 0), since)), recovered, float(change[-1])

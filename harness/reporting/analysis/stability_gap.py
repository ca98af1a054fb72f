"""What is forgotten just after a growth, and when it has come back (the stability gap, arXiv 2205.13452)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from harness.reporting.data.measures import Measure, measure_of
from harness.reporting.data.study_data import RUN
from harness.reporting.data.wording import NOTHING, number
from harness.reporting.tables._base import Table, table_of_numbers

__all__ = ["NEAR", "finest_interval", "known_accuracy", "stability_gaps", "stability_table"]

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
    """Return one row a run: how accuracy `name` fell and came back after the growth, as it was measured.

    Returns:
        `trial, arm, seed`; `lowest` and `last`, relative to the last evaluation before the growth; `area`, in accuracy
        times updates, of what lies below that; `recovered`, the update at which accuracy was within one point of it
        again after its lowest, or NaN if it never was.
    """
    rows = []
    series = curves[(curves["name"] == name) & np.isfinite(curves["value"])]
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


def stability_table(curves: pd.DataFrame, arms: Sequence[str]) -> Table | None:
    """Give each arm's gap, as means over configurations, or None where the known classes have no head of their own."""
    name = known_accuracy(curves)
    gaps = stability_gaps(curves, name) if name else None
    if name is None or gaps is None or not len(gaps):
        return None
    measure = measure_of(name)
    shown = [arm for arm in arms if arm in set(gaps["arm"])]
    rows = [_row(arm, gaps[gaps["arm"] == arm], measure) for arm in shown]
    note = (
        f"Change of {measure.title} against the last evaluation before the growth, each row a mean over "
        f"configurations after a mean over seeds, as far as evaluations saw it. Recovered: within {measure.size(NEAR)} "
        f"again; of those runs, the median update."
    )
    return table_of_numbers("stability", "How far accuracy on the known classes fell", rows, gaps, note=note)


def _row(arm: str, gaps: pd.DataFrame, measure: Measure) -> dict[str, str]:
    means = gaps.groupby("trial")[["lowest", "area", "last"]].mean().mean()
    back = gaps["recovered"].dropna()
    return {
        "arm": arm,
        f"lowest ({measure.unit})": measure.difference(float(means["lowest"])),
        f"lost in all ({measure.unit} \N{MULTIPLICATION SIGN} updates)": number(
            float(means["area"]) * measure.factor, 0
        ),
        "runs that recovered": f"{len(back):,} of {len(gaps):,}",
        "after updates (median)": number(float(back.median()), 0) if len(back) else NOTHING,
        f"at the end ({measure.unit})": measure.difference(float(means["last"])),
    }

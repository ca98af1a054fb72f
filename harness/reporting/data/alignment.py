"""Curves on the axis of steps since the growth, and their paired difference with its band."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.reporting.data.columns import RUN
from harness.reporting.statistics import LEVEL, simultaneous_band, t_quantile

__all__ = [
    "MOST_LINES",
    "aligned",
    "arm_means",
    "evaluation_interval",
    "paired_difference",
    "series_names",
    "some_lines",
    "without_repeats",
]

Array = NDArray[np.float64]
POINT = ["grown", "offset"]
MOST_LINES = 12  # single configurations in one panel
MOST_POINTS = 300  # of a curve; more could not be told apart in a figure


def series_names(curves: pd.DataFrame, prefix: str, last: str) -> list[str]:
    """Return the series below `prefix` by name; the one called `last`, if it is there, at the end."""
    names = sorted(name for name in curves["name"].unique() if name.startswith(prefix))
    return sorted(names, key=lambda name: name == prefix + last)


def without_repeats(curves: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Leave out series that say just what one before them says: with a single head, several accuracies do."""
    found: dict[bytes, str] = {}
    for name in names:
        found.setdefault(curves.loc[curves["name"] == name, "value"].to_numpy(np.float64).tobytes(), name)
    return list(found.values())


def evaluation_interval(curves: pd.DataFrame) -> int:
    """Return the usual number of steps from one evaluation to the next, or more if there are very many.

    Usual is what most steps lie in, so that a few evaluations close together do not count as many.
    """
    validation = curves[curves["name"].str.startswith("val/")]
    steps = validation.groupby([*RUN, "name"], observed=True)["step"].diff()
    steps = steps[steps > 0].sort_values()
    if not len(steps):
        return 1
    usual = int(steps.iloc[np.searchsorted(steps.cumsum(), steps.sum() / 2)])
    span = curves["steps_since_growth"].max() - curves["steps_since_growth"].min()
    return usual * max(math.ceil(float(span) / usual / MOST_POINTS), 1)


def aligned(curves: pd.DataFrame, name: str, interval: int) -> pd.DataFrame:
    """Return `trial, arm, grown, offset, value` of one series: means over seeds, every `interval` steps of the growth.

    A run measured in between is interpolated, never across the growth and never beyond what was measured. A point
    stands only where all seeds of the configuration have one under that arm.
    """
    series = curves[(curves["name"] == name) & np.isfinite(curves["value"])].dropna(subset="grown")
    curve = series.groupby([*RUN, "grown"], observed=True).ngroup().to_numpy()
    series = series.iloc[np.argsort(curve, kind="stable")]
    starts = np.flatnonzero(np.diff(np.sort(curve), prepend=-1))
    columns = (np.split(series[column].to_numpy(), starts[1:]) for column in ("steps_since_growth", "value"))
    found = [_on_grid(since, value, interval) for since, value in zip(*columns, strict=True) if len(since)]
    runs = series[[*RUN, "grown"]].iloc[np.repeat(starts, [len(grid) for grid, _ in found])]
    points = runs.reset_index(drop=True).assign(
        arm=runs["arm"].astype(str).to_numpy(),
        offset=np.concatenate([np.empty(0), *(grid for grid, _ in found)]),
        value=np.concatenate([np.empty(0), *(values for _, values in found)]),
    )
    grouped = points.groupby(["trial", "arm", *POINT])
    means = grouped["value"].mean().to_frame().assign(seeds=grouped.size()).reset_index()
    seeds = points.groupby("trial")["seed"].nunique()
    complete = means["seeds"] == means["trial"].map(seeds)
    return means.loc[complete, ["trial", "arm", *POINT, "value"]].reset_index(drop=True)


def _on_grid(since: Array, value: Array, interval: int) -> tuple[Array, Array]:
    """Return steps since the growth, every `interval`, and the curve's value there."""
    grid = np.arange(np.ceil(since.min() / interval), np.floor(since.max() / interval) + 1) * interval
    return grid, np.interp(grid, since, value)


def some_lines(points: pd.DataFrame) -> pd.DataFrame:
    """Return the points of at most `MOST_LINES` configurations, evenly by number."""
    trials = np.unique(points["trial"])
    if len(trials) <= MOST_LINES:
        return points
    chosen = trials[np.linspace(0, len(trials) - 1, MOST_LINES).round().astype(int)]
    return points[points["trial"].isin(chosen)].reset_index(drop=True)


def arm_means(points: pd.DataFrame) -> pd.DataFrame:
    """Return `arm, grown, offset, value, units`: means over configurations, where all that the arm has have a point.

    Where some have ended, the mean of the others would jump without anything having been learned.
    """
    grouped = points.groupby(["arm", *POINT], observed=True)
    means = grouped["value"].mean().to_frame().assign(units=grouped["trial"].nunique()).reset_index()
    trials = points.groupby("arm", observed=True)["trial"].nunique()
    return means[means["units"] == means["arm"].map(trials).astype(int)].reset_index(drop=True)


def paired_difference(points: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    """Return `grown, offset, value, low, high, point_low, point_high, units`: the mean paired difference.

    From `low` to `high` is the band that holds the whole curve at once; `point_low` and `point_high` are the t interval
    of a point by itself. Only points that all configurations have are there.
    """
    wide = points.pivot_table(index=["trial", *POINT], columns="arm", values="value").reindex(columns=[first, second])
    differences = (wide[first] - wide[second]).rename("value").reset_index()
    curves = differences.pivot_table(index=POINT, columns="trial", values="value").dropna()
    values = curves.to_numpy().T
    band = simultaneous_band(values)
    mean, units = values.mean(axis=0) if len(values) else np.empty(0), len(values)
    low, high = (band.low, band.high) if band else (np.full(len(mean), np.nan),) * 2
    half = t_quantile(LEVEL, units - 1) / band.reach * (band.high - band.mean) if band else low
    bounds = {"value": mean, "low": low, "high": high, "point_low": mean - half, "point_high": mean + half}
    grid = {name: curves.index.get_level_values(name).to_numpy() for name in POINT}
    return pd.DataFrame({**grid, **bounds, "units": np.full(len(mean), units)})

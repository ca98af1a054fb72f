"""What forest plots have in common: a point per configuration, their mean with its interval, and the axis of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from harness.reporting.context import ReportContext
from harness.reporting.data.columns import PARAM
from harness.reporting.data.measures import Measure
from harness.reporting.data.wording import setting
from harness.reporting.figures._style import BAND, INK, MUTED, STYLES, label

__all__ = [
    "OVERALL",
    "SMALL",
    "ForestData",
    "configuration_rows",
    "differences",
    "draw_forest_axis",
    "draw_points",
    "forest_of",
    "written",
]

SMALL = 8.5  # the size of letters
OVERALL = 1.6  # the row of the overall estimate, counted downwards from the last configuration


@dataclass(frozen=True)
class ForestData:
    """What the forest plot shows, in the metric's stored units.

    Attributes:
        rows: `trial`, the searched values as text in one column per label, and `difference, low, high`, from the
            greatest difference to the smallest.
        overall: mean, low and high; the ends are NaN where there is no interval.
    """

    rows: pd.DataFrame
    labels: Sequence[str]
    overall: tuple[float, float, float]
    smallest_effect: float
    first: str
    second: str
    measure: Measure


def configuration_rows(context: ReportContext) -> pd.DataFrame:
    """Return the configurations of the primary comparison with their searched values, as text."""
    labels = context.data.labels
    params = context.data.runs.drop_duplicates("trial").set_index("trial")[[PARAM + name for name in labels]]
    params = params.map(setting).rename(columns=lambda name: name.removeprefix(PARAM))
    return context.comparison.configurations.merge(params, left_on="trial", right_index=True)


def forest_of(context: ReportContext, rows: pd.DataFrame, labels: Sequence[str] = ()) -> ForestData:
    """Return `rows` in order, with the primary comparison's mean and interval below them."""
    comparison, interval = context.comparison, context.comparison.mean.interval
    ordered = rows.sort_values(["difference", "trial"], ascending=[False, True], ignore_index=True)
    ends = (interval.low, interval.high) if interval else (np.nan, np.nan)
    return ForestData(
        ordered, labels, (comparison.mean.mean, *ends), context.smallest_effect, comparison.first, comparison.second,
        context.measure,
    )  # fmt: skip


def differences(data: ForestData) -> list[tuple[float, float, float]]:
    """Return middle, low and high of every row, and then of all."""
    rows = data.rows[["difference", "low", "high"]].to_numpy(dtype=float)
    return [*((middle, low, high) for middle, low, high in rows), data.overall]


def written(data: ForestData, middle: float, low: float, high: float) -> str:
    """Write a difference with its interval, where it has one."""
    interval = f" [{data.measure.difference(low)}, {data.measure.difference(high)}]" if np.isfinite(low) else ""
    return data.measure.difference(middle) + interval


def draw_points(axes: Axes, data: ForestData, below: float = OVERALL, size: float = 5) -> None:
    """Draw every row with a marker of `size` points, and the overall estimate `below` the last, in rows."""
    factor = data.measure.factor
    points = np.array(differences(data)) * factor
    places = np.append(np.arange(len(data.rows), dtype=float), len(data.rows) - 1 + below)
    limit = 1.12 * max(
        np.abs(points[:, 0]).max() * 1.45, np.nanmax(np.abs([*points[-1], data.smallest_effect * factor]))
    )
    axes.set_xlim(-limit or -1, limit or 1)
    axes.set_ylim(places[-1] + 0.5625 * below, -0.7)
    axes.axvspan(-data.smallest_effect * factor, data.smallest_effect * factor, color=BAND, lw=0, zorder=0)
    axes.axvline(0, color=MUTED, lw=0.9, zorder=1)
    for place, (middle, low, high) in zip(places[:-1], points[:-1], strict=True):
        style = STYLES[0] if middle > 0 else STYLES[1]
        _whisker(axes, place, low, high, limit, style.color)
        axes.plot(middle, place, style.marker, color=style.color, ms=size, mec="white", mew=0.5, zorder=4)
    _overall(axes, places[-1], below, *points[-1])


def _whisker(axes: Axes, place: float, low: float, high: float, limit: float, color: str) -> None:
    """Draw an interval; an arrowhead where it runs out of the plot."""
    if not np.isfinite(low):
        return
    axes.plot([max(low, -limit), min(high, limit)], [place, place], color=color, lw=1.2, alpha=0.5, zorder=3)
    for end, cut, sign in ((low, low < -limit, "<"), (high, high > limit, ">")):
        if cut:
            axes.plot(np.sign(end) * limit * 0.985, place, sign, color=color, ms=4, mew=0, alpha=0.6, zorder=3)


def _overall(axes: Axes, place: float, below: float, middle: float, low: float, high: float) -> None:
    axes.axhline(place - below / 2, color=MUTED, lw=0.8)
    if np.isfinite(low):
        axes.fill(
            [low, middle, high, middle],
            [place, place - 0.225 * below, place, place + 0.225 * below],
            color=INK,
            lw=0,
            zorder=4,
        )
        axes.axvline(middle, color=INK, lw=0.8, ls=(0, (2, 2)), zorder=1)
    else:
        axes.plot(middle, place, "D", color=INK, ms=6, zorder=4)


def draw_forest_axis(axes: Axes, data: ForestData) -> None:
    """Label the axis of differences: what is subtracted from what, and on which side which arm is better."""
    axes.grid(visible=False, axis="y")
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    unit = f" ({data.measure.unit})" if data.measure.unit else ""
    axes.set_xlabel(f"{label(data.first)} minus {label(data.second)}{unit}", labelpad=19)
    sides = (data.second, data.first) if data.measure.higher_is_better else (data.first, data.second)
    at: dict[str, Any] = {"ha": "center", "textcoords": "offset points"}
    for words, place in (
        (f"\N{LEFTWARDS ARROW} {label(sides[0], 18)} better", 0.25),
        (f"{label(sides[1], 18)} better \N{RIGHTWARDS ARROW}", 0.75),
    ):
        axes.annotate(words, (place, 0), (0, -19), xycoords="axes fraction", va="top", fontsize=SMALL, **at)
    if data.smallest_effect > 0:
        words = f"smallest effect that matters: \N{PLUS-MINUS SIGN}{data.measure.level(data.smallest_effect)}"
        axes.annotate(words, (0, 1), (0, 4), xycoords=("data", "axes fraction"), fontsize=7.5, color=MUTED, **at)

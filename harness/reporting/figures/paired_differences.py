"""The forest plot of the first screen: every configuration's difference, and the mean with its interval."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.reporting.analysis.pairing import Comparison
from harness.reporting.context import ReportContext
from harness.reporting.data.wording import count
from harness.reporting.figures._base import ReportFigure, if_compared, rendered
from harness.reporting.figures._forest import (
    OVERALL,
    SMALL,
    ForestData,
    configuration_rows,
    draw_forest_axis,
    draw_points,
    forest_of,
    written,
)
from harness.reporting.figures._style import new_figure, text_width

__all__ = ["draw_differences", "paired_differences_figure"]

WIDTH, ROWS, ROW, TOP, BOTTOM = 4.8, 2.1, 0.2, 0.24, 0.72  # inches; `ROWS` for all rows, at most `ROW` for one
LOW = 0.17  # of all rows is at least as high as the mean with its interval
MARKERS = (2.0, 5.0)  # points
AXES, GAP, SMALLEST = 0.94, 0.12, 7.0  # of the width; inches beside the diamond; points of a letter
SEEN = 0.02  # of the largest difference, a band that can be seen beside the line at zero


@if_compared
def paired_differences_figure(context: ReportContext) -> ReportFigure | None:
    """Show every configuration's difference, and their mean with its interval; of one configuration, its pairs."""
    comparison, measure = context.comparison, context.measure
    configurations = configuration_rows(context)
    rows, unit = _rows(comparison, configurations)
    forest = forest_of(context, rows)
    lowest, highest = (measure.difference(end) for end in (rows["difference"].min(), rows["difference"].max()))
    after = f" {measure.unit}" if measure.unit else ""
    band = _of_band(forest)
    mean = "with the 95 % interval that the verdict rests on" if comparison.mean.interval else "too few for an interval"
    return ReportFigure(
        name="paired_differences",
        title=f"Difference by {unit}",
        caption=(
            f"A point is {_is(unit)}, thin lines t intervals over its seeds; the diamond is the mean, {mean}.{band}"
            if rows["low"].notna().any()
            else f"A point is {_is(unit)}; the diamond is the mean, {mean}.{band}"
        ),
        alt=(
            f"Forest plot of {count(len(rows), unit)}: differences from {lowest} to {highest}{after}, mean "
            f"{measure.difference(comparison.mean.mean)}."
        ),
        **rendered(lambda: draw_differences(forest)),
        data=forest_of(context, configurations).rows,
    )


def _of_band(forest: ForestData) -> str:
    """Say what is gray, or that it is too narrow to be seen."""
    if not forest.smallest_effect:
        return ""
    if forest.smallest_effect < SEEN * forest.rows["difference"].abs().max():
        return " Differences too small to matter are a band as thin as the line at zero."
    return " Gray: differences too small to matter."


def _rows(comparison: Comparison, configurations: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return what gets a point of its own, and what it is called; the pairs are also in the table of runs."""
    if comparison.mean.units > 1:
        return configurations, comparison.unit
    return comparison.pairs.assign(low=np.nan, high=np.nan), "pair"


def _is(unit: str) -> str:
    return "a pair of runs with the same seed" if unit == "pair" else f"one {unit}, mean over its seeds"


def draw_differences(data: ForestData) -> Figure:
    """Draw the points without a table beside them, however many, as high as a part of a screen."""
    rows = len(data.rows)
    inside = min(ROWS, ROW * (rows + OVERALL + 1))
    below = max(OVERALL, LOW * rows)
    size = float(np.clip(72 * inside / (rows + below) * 0.6, *MARKERS))
    height = TOP + inside + BOTTOM
    figure = new_figure(WIDTH, height)
    axes = figure.add_axes(((1 - AXES) / 2, BOTTOM / height, AXES, inside / height))
    draw_points(axes, data, below, size)
    draw_forest_axis(axes, data)
    _write_mean(axes, data, rows - 1 + below)
    return figure


def _write_mean(axes: Axes, data: ForestData, place: float) -> None:
    """Write the mean beside its diamond, with its interval if there is room for it."""
    limit, ends = axes.get_xlim()[1], np.array(data.overall) * data.measure.factor
    rooms = limit + np.nanmin(ends), limit - np.nanmax(ends)
    right, room = rooms[1] >= rooms[0], AXES * WIDTH * max(rooms) / (2 * limit)
    mean, interval = f"mean {data.measure.difference(data.overall[0])}", f"mean {written(data, *data.overall)}"
    sizes = [(text, size) for text in (interval, mean) for size in (SMALL, SMALLEST)]
    fitting = [one for one in sizes if text_width([one[0]], one[1], "bold") + GAP <= room]
    text, size = (fitting or sizes[-1:])[0]
    axes.text(
        0.99 if right else 0.01, place, text, fontsize=size,
        transform=axes.get_yaxis_transform(), ha="right" if right else "left", va="center_baseline", fontweight="bold",
    )  # fmt: skip

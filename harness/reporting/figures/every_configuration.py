"""Every configuration's difference beside its searched values, and the mean with its interval."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.reporting.context import ReportContext
from harness.reporting.data.wording import count
from harness.reporting.figures._base import ReportFigure, if_compared, rendered
from harness.reporting.figures._forest import (
    OVERALL,
    SMALL,
    ForestData,
    configuration_rows,
    differences,
    draw_forest_axis,
    draw_points,
    forest_of,
    written,
)
from harness.reporting.figures._style import BAND, INK, MUTED, STYLES, label, new_figure, text_width

__all__ = ["draw_forest", "every_configuration_figure"]

ROW, PLOT, GAP, MARGIN = 0.235, 3.7, 0.16, 0.12
TOP, BOTTOM = 0.42, 0.78
MOST_COLUMNS, MOST_ROWS = 6, 60
CROWDED = (7.0, 6.0)


@if_compared
def every_configuration_figure(context: ReportContext) -> ReportFigure | None:
    """Show every configuration's difference beside its searched values; none for a study that searches nothing."""
    comparison, measure, labels = context.comparison, context.measure, context.data.labels
    if not labels:
        return None
    forest = forest_of(context, configuration_rows(context), labels)
    lowest, highest = (
        measure.difference(end) for end in (forest.rows["difference"].min(), forest.rows["difference"].max())
    )
    whiskers = " Thin lines are t intervals over the seeds of one configuration: they describe, they do not test."
    return ReportFigure(
        name="every_configuration",
        title="The difference beside what was searched",
        caption=(
            f"Each row is one configuration, with its searched values: {measure.title} under {comparison.first} minus "
            f"{comparison.second}, mean over seeds, from the greatest difference to the smallest."
            f"{whiskers if forest.rows['low'].notna().any() else ''}"
        ),
        alt=(
            f"Forest plot of {count(comparison.mean.units, 'configuration')}: differences from {lowest} to "
            f"{highest}{f' {measure.unit}' if measure.unit else ''}, mean {measure.difference(comparison.mean.mean)}."
        ),
        **rendered(lambda: draw_forest(forest)),
        data=forest.rows,
    )


def draw_forest(data: ForestData) -> Figure:
    """Draw a table of configurations with their differences as points on a common axis; very many without the table."""
    if len(data.rows) > MOST_ROWS:
        return _crowded(data)
    columns = _columns(data)
    widths = [max(text_width(cells, SMALL), text_width([head], SMALL, "bold")) + GAP for head, cells in columns]
    numbers = [written(data, *row) for row in differences(data)]
    left, right = sum(widths) + MARGIN, text_width(numbers, SMALL, "bold") + GAP
    height = TOP + BOTTOM + ROW * (len(data.rows) + OVERALL + 0.5)
    width = left + PLOT + right + MARGIN
    figure = new_figure(width, height)
    axes = figure.add_axes((left / width, BOTTOM / height, PLOT / width, 1 - (TOP + BOTTOM) / height))
    draw_points(axes, data)
    draw_forest_axis(axes, data)
    _table(axes, data, columns, widths, numbers)
    return figure


def _crowded(data: ForestData) -> Figure:
    figure = new_figure(*CROWDED)
    figure.set_layout_engine("constrained")
    axes = figure.subplots()
    factor, (middle, low, high) = data.measure.factor, np.array(data.overall) * data.measure.factor
    values = data.rows["difference"].to_numpy(dtype=float) * factor
    places = np.arange(len(values))
    axes.axvspan(-data.smallest_effect * factor, data.smallest_effect * factor, color=BAND, lw=0, zorder=0)
    axes.axvline(0, color=MUTED, lw=0.9, zorder=1)
    for style, chosen in ((STYLES[0], values > 0), (STYLES[1], values <= 0)):
        axes.plot(values[chosen], places[chosen], style.marker, color=style.color, ms=3, mew=0, zorder=3)
    axes.axvspan(low, high, color=INK, alpha=0.25, lw=0, zorder=2)
    axes.axvline(middle, color=INK, lw=1.2, zorder=2)
    axes.set_ylim(len(values) + 1, -2)
    axes.set_ylabel(f"{len(values):,} configurations, by difference")
    draw_forest_axis(axes, data)
    return figure


def _columns(data: ForestData) -> list[tuple[str, list[str]]]:
    varied = [name for name in data.labels if len(set(data.rows[name])) > 1 or len(data.rows) == 1]
    columns = [("trial", [str(trial) for trial in data.rows["trial"]])]
    return columns + [
        (label(name, 16), [label(text, 22) for text in data.rows[name]]) for name in varied[:MOST_COLUMNS]
    ]


def _table(
    axes: Axes,
    data: ForestData,
    columns: Sequence[tuple[str, list[str]]],
    widths: Sequence[float],
    numbers: Sequence[str],
) -> None:
    at = axes.get_yaxis_transform()
    starts = (np.cumsum([0, *widths[:-1]]) - sum(widths)) / PLOT
    for start, (head, cells) in zip(starts, columns, strict=True):
        heading: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
        axes.annotate(head, (start, 1), (0, 4), fontsize=SMALL, fontweight="bold", **heading)
        for place, cell in enumerate(cells):
            axes.text(start, place, cell, transform=at, va="center_baseline", fontsize=SMALL)
    last = len(data.rows) - 1 + OVERALL
    axes.text(
        starts[0], last, f"mean of {len(data.rows)}", transform=at, va="center_baseline", fontsize=9, fontweight="bold"
    )
    for place, number in zip([*range(len(data.rows)), last], numbers, strict=True):
        weight = "bold" if place == last else "normal"
        axes.text(1 + GAP / PLOT, place, number, transform=at, va="center_baseline", fontsize=SMALL, fontweight=weight)

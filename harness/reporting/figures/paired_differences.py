"""Every configuration's difference as a forest plot, and the mean with its interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.reporting.context import ReportContext
from harness.reporting.data.columns import PARAM
from harness.reporting.data.measures import Measure
from harness.reporting.data.wording import count, setting
from harness.reporting.figures._base import ReportFigure, if_compared, rendered
from harness.reporting.figures._style import BAND, INK, MUTED, STYLES, label, new_figure, text_width

__all__ = ["ForestData", "draw_forest", "paired_differences_figure"]

ROW, PLOT, GAP, MARGIN = 0.235, 3.7, 0.16, 0.12
TOP, BOTTOM = 0.42, 0.78
SMALL = 8.5
MOST_COLUMNS, MOST_ROWS = 6, 60
CROWDED = (7.0, 6.0)
OVERALL = 1.6  # the row of the overall estimate, counted downwards from the last configuration


@dataclass(frozen=True)
class ForestData:
    """What the forest plot shows, in the metric's stored units.

    Attributes:
        rows: `trial`, the searched values as text in one column per label, and `difference, low, high`, sorted.
        overall: mean, low and high; the ends are NaN where there is no interval.
    """

    rows: pd.DataFrame
    labels: Sequence[str]
    overall: tuple[float, float, float]
    smallest_effect: float
    first: str
    second: str
    measure: Measure


@if_compared
def paired_differences_figure(context: ReportContext) -> ReportFigure | None:
    """Show every configuration's difference, and their mean with its interval."""
    data, comparison, measure, smallest_effect = (
        context.data,
        context.comparison,
        context.measure,
        context.smallest_effect,
    )
    labels = data.labels
    params = data.runs.drop_duplicates("trial").set_index("trial")[[PARAM + name for name in labels]]
    params = params.map(setting).rename(columns=lambda name: name.removeprefix(PARAM))
    rows = comparison.configurations.merge(params, left_on="trial", right_index=True)
    rows = rows.sort_values(["difference", "trial"], ascending=[False, True], ignore_index=True)
    mean, interval = comparison.mean, comparison.mean.interval
    overall = (mean.mean, interval.low, interval.high) if interval else (mean.mean, np.nan, np.nan)
    forest = ForestData(rows, labels, overall, smallest_effect, comparison.first, comparison.second, measure)
    diamond = "The diamond is their mean with its 95 % t interval over configurations, which the verdict rests on."
    band = "The shaded band holds differences smaller than the smallest effect that matters." if smallest_effect else ""
    point = "The diamond is their mean; they are too few for an interval."
    whiskers = "Thin lines are t intervals over the seeds of one configuration: they describe, they do not test."
    return ReportFigure(
        name="paired_differences",
        title="The difference, configuration by configuration",
        caption=(
            f"Each point is one configuration: {measure.title} under {comparison.first} minus {comparison.second}, "
            f"mean over seeds. {diamond if interval else point} "
            f"{whiskers if rows['low'].notna().any() else ''} {band}"
        ),
        alt=(
            f"Forest plot of {count(mean.units, 'configuration')}: differences from "
            f"{measure.difference(rows['difference'].min())} to {measure.difference(rows['difference'].max())} "
            f"{measure.unit}, mean {measure.difference(mean.mean)}."
        ),
        **rendered(lambda: draw_forest(forest)),
        data=rows,
    )


def draw_forest(data: ForestData) -> Figure:
    """Draw a table of configurations with their differences as points on a common axis; very many without the table."""
    if len(data.rows) > MOST_ROWS:
        return _crowded(data)
    columns = _columns(data)
    widths = [max(text_width(cells, SMALL), text_width([head], SMALL, "bold")) + GAP for head, cells in columns]
    numbers = [_written(data, *row) for row in _differences(data)]
    left, right = sum(widths) + MARGIN, text_width(numbers, SMALL, "bold") + GAP
    height = TOP + BOTTOM + ROW * (len(data.rows) + OVERALL + 0.5)
    width = left + PLOT + right + MARGIN
    figure = new_figure(width, height)
    axes = figure.add_axes((left / width, BOTTOM / height, PLOT / width, 1 - (TOP + BOTTOM) / height))
    _plot(axes, data)
    _axis(axes, data)
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
    _axis(axes, data)
    return figure


def _columns(data: ForestData) -> list[tuple[str, list[str]]]:
    varied = [name for name in data.labels if len(set(data.rows[name])) > 1 or len(data.rows) == 1]
    columns = [("trial", [str(trial) for trial in data.rows["trial"]])]
    return columns + [
        (label(name, 16), [label(text, 22) for text in data.rows[name]]) for name in varied[:MOST_COLUMNS]
    ]


def _differences(data: ForestData) -> list[tuple[float, float, float]]:
    rows = data.rows[["difference", "low", "high"]].to_numpy(dtype=float)
    return [*((middle, low, high) for middle, low, high in rows), data.overall]


def _written(data: ForestData, middle: float, low: float, high: float) -> str:
    interval = f" [{data.measure.difference(low)}, {data.measure.difference(high)}]" if np.isfinite(low) else ""
    return data.measure.difference(middle) + interval


def _plot(axes: Axes, data: ForestData) -> None:
    factor = data.measure.factor
    points = np.array(_differences(data)) * factor
    places = np.append(np.arange(len(data.rows), dtype=float), len(data.rows) - 1 + OVERALL)
    limit = 1.12 * max(
        np.abs(points[:, 0]).max() * 1.45, np.nanmax(np.abs([*points[-1], data.smallest_effect * factor]))
    )
    axes.set_xlim(-limit or -1, limit or 1)
    axes.set_ylim(places[-1] + 0.9, -0.7)
    axes.axvspan(-data.smallest_effect * factor, data.smallest_effect * factor, color=BAND, lw=0, zorder=0)
    axes.axvline(0, color=MUTED, lw=0.9, zorder=1)
    for place, (middle, low, high) in zip(places[:-1], points[:-1], strict=True):
        style = STYLES[0] if middle > 0 else STYLES[1]
        _whisker(axes, place, low, high, limit, style.color)
        axes.plot(middle, place, style.marker, color=style.color, ms=5, mec="white", mew=0.5, zorder=4)
    _overall(axes, places[-1], *points[-1])


def _whisker(axes: Axes, place: float, low: float, high: float, limit: float, color: str) -> None:
    """Draw an interval; an arrowhead where it runs out of the plot."""
    if not np.isfinite(low):
        return
    axes.plot([max(low, -limit), min(high, limit)], [place, place], color=color, lw=1.2, alpha=0.5, zorder=3)
    for end, cut, sign in ((low, low < -limit, "<"), (high, high > limit, ">")):
        if cut:
            axes.plot(np.sign(end) * limit * 0.985, place, sign, color=color, ms=4, mew=0, alpha=0.6, zorder=3)


def _overall(axes: Axes, place: float, middle: float, low: float, high: float) -> None:
    axes.axhline(place - OVERALL / 2, color=MUTED, lw=0.8)
    if np.isfinite(low):
        axes.fill([low, middle, high, middle], [place, place - 0.36, place, place + 0.36], color=INK, lw=0, zorder=4)
        axes.axvline(middle, color=INK, lw=0.8, ls=(0, (2, 2)), zorder=1)
    else:
        axes.plot(middle, place, "D", color=INK, ms=6, zorder=4)


def _axis(axes: Axes, data: ForestData) -> None:
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
    for place, written in zip([*range(len(data.rows)), last], numbers, strict=True):
        weight = "bold" if place == last else "normal"
        axes.text(1 + GAP / PLOT, place, written, transform=at, va="center_baseline", fontsize=SMALL, fontweight=weight)

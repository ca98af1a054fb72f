"""The paired difference over two searched fields, as a map."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from harness.reporting.context import ReportContext
from harness.reporting.data.columns import PARAM, is_absent
from harness.reporting.data.measures import Measure
from harness.reporting.data.wording import count, setting
from harness.reporting.figures._base import ReportFigure, if_compared, rendered
from harness.reporting.figures._style import label, new_figure

__all__ = ["MapData", "draw_effect_map", "effect_map_figure"]

MAPPED = ("when", "where")  # the names of the searched fields that a map shows first
FEWEST_MAPPED, MOST_VALUES = 6, 12
COLORS = "PuOr_r"  # diverging, told apart by the color-blind; orange is the first arm, as everywhere
MOST_CELLS, FEWEST = 12, 3
APART = 0.16  # between points of one place, in places


@dataclass(frozen=True)
class MapData:
    """One entry a configuration: its difference in stored units, and its values of the fields `names`."""

    differences: Sequence[float]
    across: Sequence[Any]
    down: Sequence[Any]
    names: tuple[str, str]
    measure: Measure


@if_compared
def effect_map_figure(context: ReportContext) -> ReportFigure | None:
    """Show the differences over two of the searched fields, if configurations differ in two that always exist."""
    data, comparison, measure = context.data, context.comparison, context.measure
    params = data.runs.drop_duplicates("trial").set_index("trial")
    rows = comparison.configurations[["trial", "difference"]].merge(
        pd.DataFrame({label: params[PARAM + label].map(setting) for label in data.labels}),
        left_on="trial",
        right_index=True,
    )
    everywhere = [label for label in data.labels if not params.loc[rows["trial"], PARAM + label].map(is_absent).any()]
    varied = [label for label in everywhere if 1 < rows[label].nunique() <= max(MOST_VALUES, len(rows))]
    varied.sort(key=lambda label: (label not in MAPPED, MAPPED.index(label) if label in MAPPED else 0))
    if len(rows) < FEWEST_MAPPED or len(varied) < 2:
        return None
    across, down = varied[:2]
    after = f" {measure.unit}" if measure.unit else ""
    values = {label: params.loc[rows["trial"], PARAM + label].tolist() for label in (across, down)}
    drawn = MapData(rows["difference"].tolist(), values[across], values[down], (across, down), measure)
    return ReportFigure(
        name="effect_map",
        title=f"The difference over {across} and {down}",
        caption=(
            f"Each point is one of {count(len(rows), 'configuration')}: {measure.title} under {comparison.first} minus "
            f"{comparison.second}, in {measure.unit or 'stored units'}, mean over seeds, at its place in the searched "
            f"space; points of equal place are set side by side. Where both fields "
            f"have few values, cells have the color of their mean, and those with fewer than three configurations are "
            f"hatched. A description: no interval, and all other searched "
            f"fields vary as well."
        ),
        alt=(
            f"Differences between {measure.difference(rows['difference'].min())} and "
            f"{measure.difference(rows['difference'].max())}{after} over {across} and {down}."
        ),
        **rendered(lambda: draw_effect_map(drawn)),
        data=rows[["trial", across, down, "difference"]],
    )


def draw_effect_map(data: MapData) -> Figure:
    """Draw a point per configuration, colored by its difference, on cells colored by their means where there are few.

    Cells with fewer than three configurations are hatched.
    """
    few = all(len(set(map(setting, values))) <= MOST_CELLS for values in (data.across, data.down))
    xs, x_names = _places(data.across, named=few)
    ys, y_names = _places(data.down, named=few)
    cells = _cells(xs, ys, data) if few else ()
    if x_names:
        xs = _apart(xs, ys)
    elif y_names:
        ys = _apart(ys, xs)
    figure = new_figure(6.8, 4.4 if not y_names else max(2.6, 1.4 + 0.62 * len(y_names)))
    figure.set_layout_engine("constrained")
    axes = figure.subplots()
    values = np.asarray(data.differences, dtype=float) * data.measure.factor
    limit = float(np.abs(values).max()) or 1.0
    for cell in cells:
        _fill(axes, cell, limit)
    shapes = (("^", values > 0), ("v", values < 0), ("o", values == 0))
    for marker, chosen in shapes:
        drawn = axes.scatter(
            *(xs[chosen], ys[chosen]), c=values[chosen], cmap=COLORS, vmin=-limit, vmax=limit,
            marker=marker, s=70, edgecolors="black", linewidths=0.7, zorder=3,
        )  # fmt: skip
    unit = f" ({data.measure.unit})" if data.measure.unit else ""
    figure.colorbar(drawn, ax=axes, label=f"difference{unit}", pad=0.02)
    _name(axes, "x", x_names, data.names[0])
    _name(axes, "y", y_names, data.names[1])
    return figure


def _cells(xs: NDArray[np.float64], ys: NDArray[np.float64], data: MapData) -> list[tuple[float, float, float, int]]:
    """Return place, mean difference and number of configurations of every cell that has any."""
    values = np.asarray(data.differences, dtype=float) * data.measure.factor
    found = []
    for x, y in sorted(set(zip(xs.tolist(), ys.tolist(), strict=True))):
        own = values[(xs == x) & (ys == y)]
        found.append((x, y, float(own.mean()), len(own)))
    return found


def _fill(axes: Axes, cell: tuple[float, float, float, int], limit: float) -> None:
    x, y, mean, amount = cell
    color = colormaps[COLORS](0.5 + 0.5 * mean / limit)
    hatch = "////" if amount < FEWEST else None
    axes.add_patch(
        Rectangle(
            (x - 0.5, y - 0.5), 1, 1, facecolor=color, alpha=0.45, edgecolor="white", lw=1.2, hatch=hatch, zorder=1
        )
    )


def _places(values: Sequence[Any], *, named: bool) -> tuple[NDArray[np.float64], list[str]]:
    """Return numbers as they are, unless they are to be `named`, and anything else by its place among its values."""
    numbers = all(isinstance(value, int | float | np.number) and not isinstance(value, bool) for value in values)
    if numbers and not named:
        return np.asarray(values, dtype=float), []
    texts = [setting(value) for value in values]
    known = (
        list(dict.fromkeys(text for _, text in sorted(zip(values, texts, strict=True))))
        if numbers
        else sorted(set(texts))
    )
    return np.array([known.index(text) for text in texts], dtype=float), known


def _apart(xs: NDArray[np.float64], ys: NDArray[np.float64]) -> NDArray[np.float64]:
    """Set points of the same place side by side."""
    moved = xs.copy()
    for place in set(zip(xs.tolist(), ys.tolist(), strict=True)):
        same = np.flatnonzero((xs == place[0]) & (ys == place[1]))
        step = min(APART, 0.8 / len(same))
        moved[same] += (np.arange(len(same)) - (len(same) - 1) / 2) * step
    return moved


def _name(axes: Axes, axis: str, names: Sequence[str], title: str) -> None:
    getattr(axes, f"set_{axis}label")(label(title, 40))
    if names:
        getattr(axes, f"set_{axis}ticks")(range(len(names)), [label(name, 16) for name in names])
        getattr(axes, f"set_{axis}lim")(-0.6, len(names) - 0.4)

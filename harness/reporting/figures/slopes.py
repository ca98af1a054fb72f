"""Paired slopes: every configuration from one arm to the other."""

from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from harness.reporting.data.measures import Measure
from harness.reporting.figures._style import MUTED, STYLES, label, new_figure, plain_numbers

__all__ = ["SlopeData", "draw_slopes"]

CROWD = 60  # from here on, lines are drawn fainter


@dataclass(frozen=True)
class SlopeData:
    """One row a configuration: `second` is drawn at the left, under the first name in `arms`, `first` at the right."""

    rows: pd.DataFrame
    arms: tuple[str, str]
    measure: Measure


def draw_slopes(data: SlopeData) -> Figure:
    """Draw a line per configuration, in the color of the arm that is higher, and the means."""
    figure = new_figure(4.8, 4.6)
    figure.set_layout_engine("constrained")
    axes = figure.subplots()
    values = data.rows[["second", "first"]].to_numpy(dtype=float) * data.measure.factor
    faint = 0.7 if len(values) <= CROWD else 0.15
    for left, right in values:
        style = STYLES[0] if right > left else STYLES[1]
        axes.plot([0, 1], [left, right], color=style.color, ls=style.line, lw=1.0, alpha=faint)
    for place, style in ((0, STYLES[1]), (1, STYLES[0])):
        axes.plot([place] * len(values), values[:, place], style.marker, color=style.color, ms=4, alpha=faint, mew=0)
        mean = values[:, place].mean()
        axes.plot(place, mean, style.marker, color=style.color, ms=12, mec="black", mew=1.6, zorder=5)
    axes.plot([0, 1], values.mean(axis=0), color=MUTED, lw=2.2, zorder=4)
    axes.set_xlim(-0.25, 1.25)
    axes.set_xticks([0, 1], [label(arm) for arm in data.arms])
    axes.grid(visible=False, axis="x")
    unit = f" ({data.measure.level_unit})" if data.measure.level_unit else ""
    axes.set_ylabel(label(data.measure.title, 60) + unit)
    plain_numbers(axes)
    return figure

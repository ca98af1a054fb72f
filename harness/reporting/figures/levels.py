"""Every arm's results in a row of their own, with the arm's mean and its interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from harness.reporting.data.measures import Measure
from harness.reporting.figures._style import arm_styles, label, new_figure, text_width

__all__ = ["LevelsData", "draw_levels"]

APART = 0.26  # how far points of a row are spread, in rows
TURN = 0.6180339887498949  # the golden ratio: points that follow one another never lie side by side


@dataclass(frozen=True)
class LevelsData:
    """What the figure shows, in stored units.

    Attributes:
        points: `arm, trial, value`, means over seeds.
        means: `arm, value, low, high`; the interval is NaN where there are too few configurations.
    """

    points: pd.DataFrame
    means: pd.DataFrame
    arms: Sequence[str]
    measure: Measure


def draw_levels(data: LevelsData) -> Figure:
    """Draw a small point per configuration, and each arm's mean as a large one."""
    names = [label(arm) for arm in data.arms]
    figure = new_figure(4.4 + text_width(names, 9), 1.1 + 0.5 * len(data.arms))
    figure.set_layout_engine("constrained")
    axes = figure.subplots()
    factor = data.measure.factor
    for place, (arm, style) in enumerate(arm_styles(data.arms).items()):
        values = data.points.loc[data.points["arm"] == arm, "value"].to_numpy(np.float64) * factor
        heights = place + APART * (2 * ((np.arange(len(values)) * TURN) % 1) - 1)
        axes.plot(values, heights, style.marker, color=style.color, ms=4.5, alpha=0.4, mew=0)
        for mean in data.means[data.means["arm"] == arm].to_dict("records"):
            axes.plot([mean["low"] * factor, mean["high"] * factor], [place, place], color="black", lw=1.8, zorder=4)
            axes.plot(mean["value"] * factor, place, style.marker, color=style.color, ms=10, mec="black", zorder=5)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    unit = f" ({data.measure.level_unit})" if data.measure.level_unit else ""
    axes.set_xlabel(label(data.measure.title, 60) + unit)
    return figure

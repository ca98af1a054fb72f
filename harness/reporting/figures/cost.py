"""Accuracy against cost, arm by arm."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from harness.reporting.data.measures import Measure
from harness.reporting.figures._style import (
    add_legend,
    arm_handles,
    arm_styles,
    in_unit,
    label,
    new_figure,
    plain_numbers,
    wrapped,
)

__all__ = ["CostData", "draw_cost"]


@dataclass(frozen=True)
class CostData:
    """What the figure shows, in stored units.

    Attributes:
        points: `arm, trial, cost, value`, means over seeds.
        means: `arm, cost, value, low, high`; the interval is NaN where there are too few configurations.
    """

    points: pd.DataFrame
    means: pd.DataFrame
    arms: Sequence[str]
    cost: Measure
    measure: Measure


def draw_cost(data: CostData) -> Figure:
    """Draw a small point per configuration and arm, and each arm's mean with its interval."""
    figure = new_figure(6.4, 4.4)
    figure.set_layout_engine("constrained")
    axes = figure.subplots()
    for arm, style in arm_styles(data.arms).items():
        part = data.points[data.points["arm"] == arm]
        axes.plot(
            part["cost"] * data.cost.factor, part["value"] * data.measure.factor,
            style.marker, color=style.color, ms=4.5, alpha=0.35, mew=0,
        )  # fmt: skip
        for mean in data.means[data.means["arm"] == arm].to_dict("records"):
            cost, factor = mean["cost"] * data.cost.factor, data.measure.factor
            axes.plot([cost, cost], [mean["low"] * factor, mean["high"] * factor], color="black", lw=1.8, zorder=4)
            place = (cost, mean["value"] * factor)
            axes.plot(*place, style.marker, color=style.color, ms=11, mec="black", mew=1.4, zorder=5)
    axes.set_xlabel(f"\N{LEFTWARDS ARROW} cheaper\n{label(data.cost.title, 60)} ({data.cost.unit})")
    axes.set_ylabel(f"{wrapped(data.measure.title, 40)}{in_unit(data.measure.level_unit)}\nbetter \N{RIGHTWARDS ARROW}")
    add_legend(figure, arm_handles(data.arms, lines=False))
    plain_numbers(axes)
    return figure

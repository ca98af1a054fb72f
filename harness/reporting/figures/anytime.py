"""The best so far against the number of configurations and the seconds that they took."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from harness.reporting.data.measures import Measure
from harness.reporting.figures._style import (
    add_legend,
    arm_handles,
    arm_styles,
    in_unit,
    new_figure,
    plain_numbers,
    wrapped,
)

__all__ = ["AnytimeData", "draw_anytime"]


@dataclass(frozen=True)
class AnytimeData:
    """What the figure shows, in stored units.

    Attributes:
        steps: `arm, configurations, seconds, value`, in the order in which configurations were tried.
        expected: `arm, configurations, value`, the mean over all orders; empty where these were no fair sample.
    """

    steps: pd.DataFrame
    expected: pd.DataFrame
    arms: Sequence[str]
    measure: Measure


def draw_anytime(data: AnytimeData) -> Figure:
    """Draw a staircase per arm, against configurations and against seconds, and the expected one as a thick line."""
    timed = data.steps["seconds"].notna().any()
    figure = new_figure(6.8 if timed else 4.2, 3.6)
    figure.set_layout_engine("constrained")
    grid: Any = figure.subplots(1, 2 if timed else 1, sharey=True, squeeze=False)[0]
    for arm, style in arm_styles(data.arms).items():
        part, mean = (frame[frame["arm"] == arm] for frame in (data.steps, data.expected))
        bold = not len(data.expected)
        look: dict[str, Any] = {"color": style.color, "ls": style.line, "drawstyle": "steps-post"}
        look |= {"lw": 2.2 if bold else 0.9, "alpha": 1.0 if bold else 0.6}
        for axes, across in zip(grid, ("configurations", "seconds"), strict=False):
            axes.plot(part[across], part["value"] * data.measure.factor, **look)
        grid[0].plot(
            mean["configurations"], mean["value"] * data.measure.factor, color=style.color, ls=style.line, lw=2.2
        )
    grid[0].set_xlabel("configurations tried")
    grid[0].set_ylabel(
        f"{wrapped(data.measure.title, 34)}\nof the best on validation{in_unit(data.measure.level_unit)}"
    )
    if timed:
        grid[1].set_xlabel("seconds of training, all seeds")
    add_legend(figure, arm_handles(data.arms))
    plain_numbers(grid[0])
    return figure

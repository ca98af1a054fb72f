"""One series over time, a line per arm."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.reporting.figures._style import (
    MUTED,
    add_legend,
    arm_handles,
    arm_styles,
    growth_handle,
    mark_growth,
    new_figure,
    plain_numbers,
    wrapped,
)

__all__ = ["CourseData", "draw_course"]


@dataclass(frozen=True)
class CourseData:
    """What the figure shows, already multiplied by what people read.

    Attributes:
        lines: `arm, trial, grown, offset, value`: one line a configuration, or empty.
        means: `arm, grown, offset, value`.
        at_growth: whether zero is the step of the growth.
        zoom: the last step that a first panel of its own shows, or 0 for no such panel.
    """

    lines: pd.DataFrame
    means: pd.DataFrame
    arms: Sequence[str]
    across: str
    up: str
    at_growth: bool
    zoom: int = 0


def draw_course(data: CourseData) -> Figure:
    """Draw a thick line for each arm's mean, thin ones for single configurations."""
    figure = new_figure(6.8, 3.9)
    figure.set_layout_engine("constrained")
    panels: Any = figure.subplots(1, 2 if data.zoom else 1, sharey=True, squeeze=False)[0]
    for axes in panels:
        _draw(axes, data)
    if data.zoom:
        panels[0].set_xlim(-data.zoom / 10, data.zoom)
    panels[0].set_ylabel("\n".join(wrapped(line, 44) for line in data.up.splitlines()))
    figure.supxlabel(data.across, fontsize="medium")
    handles = [*arm_handles(data.arms), *([growth_handle()] if data.at_growth else [])]
    add_legend(figure, handles)
    return figure


def _draw(axes: Axes, data: CourseData) -> None:
    if data.at_growth:
        mark_growth(axes)
        axes.axhline(0, color=MUTED, lw=0.9)
    for arm, style in arm_styles(data.arms).items():
        for _, line in data.lines[data.lines["arm"] == arm].groupby(["trial", "grown"]):
            axes.plot(line["offset"], line["value"], color=style.color, lw=0.7, alpha=0.25)
        for _, mean in data.means[data.means["arm"] == arm].groupby("grown"):
            axes.plot(mean["offset"], mean["value"], color=style.color, ls=style.line, lw=2.2, zorder=4)
    plain_numbers(axes)

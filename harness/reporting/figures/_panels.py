"""Several series over steps since the growth, a panel each, a line per arm."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.reporting.figures._style import (
    add_legend,
    arm_handles,
    arm_styles,
    growth_handle,
    label,
    log_if_wide,
    mark_growth,
    new_figure,
    plain_numbers,
)

__all__ = ["Panel", "draw_panels"]

MOST_ACROSS = 3
# A legend's names beside each other, the lines that every figure has room for, and the inches of one more.
NAMES_ACROSS, LINES, LINE = 3, 4, 0.2


@dataclass(frozen=True)
class Panel:
    """One series, already multiplied by what people read.

    Attributes:
        means: `arm, grown, offset, value`.
        limits: of the axis upwards, if they are known beforehand.
    """

    title: str
    up: str
    means: pd.DataFrame
    limits: tuple[float, float] | None = None


def draw_panels(panels: Sequence[Panel], arms: Sequence[str]) -> Figure:
    """Draw the panels side by side, three in a row at most."""
    across = min(len(panels), MOST_ACROSS)
    down = -(-len(panels) // across)
    figure = new_figure(max(0.6 + 2.75 * across, 4.6), 0.9 + 2.1 * down + _legend_height(len(arms)))
    figure.set_layout_engine("constrained")
    grid: Any = figure.subplots(down, across, sharex=True, squeeze=False)
    for axes, panel in zip(grid.flat, panels, strict=False):
        _draw(axes, panel, arms)
    for axes in list(grid.flat)[len(panels) :]:
        axes.set_visible(False)
    for place in range(across):
        last = grid[(len(panels) - 1 - place) // across, place]
        last.set_xlabel("optimizer updates\nsince the growth")
        last.tick_params(labelbottom=True)
    handles = [*arm_handles(arms), growth_handle()]
    add_legend(figure, handles)
    return figure


def _legend_height(arms: int) -> float:
    """Return the inches that a legend of so many arms needs beyond those that every figure has for it."""
    return LINE * max(-(-(arms + 1) // NAMES_ACROSS) - LINES, 0)


def _draw(axes: Axes, panel: Panel, arms: Sequence[str]) -> None:
    mark_growth(axes)
    for arm, style in arm_styles(arms).items():
        for _, mean in panel.means[panel.means["arm"] == arm].groupby("grown"):
            axes.plot(mean["offset"], mean["value"], color=style.color, ls=style.line, lw=1.8, zorder=4)
    if panel.limits:
        axes.set_ylim(*panel.limits)
    else:
        log_if_wide(axes, panel.means["value"])
    axes.set_title(label(panel.title, 32))
    axes.set_ylabel(panel.up)
    plain_numbers(axes)

"""What a growth did to the function before any further update, by how new parameters began."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from harness.reporting.figures._style import INK, MUTED, STYLES, label, new_figure, text_width

__all__ = ["PreservedData", "draw_preserved"]

TURN = 0.6180339887498949  # the golden ratio: points that follow one another never lie side by side


@dataclass(frozen=True)
class PreservedData:
    """What the figure shows: `rows` has `begins` and one column for each of `columns`, which maps names to titles."""

    rows: pd.DataFrame
    begins: Sequence[str]
    columns: dict[str, str]


def draw_preserved(data: PreservedData) -> Figure:
    """Draw a point per growth, and a bar at each group's median."""
    names = [label(name, 18) for name in data.begins]
    figure = new_figure(6.8 + text_width(names, 8.5) / 2, 1.0 + 0.42 * max(len(names), 2))
    figure.set_layout_engine("constrained")
    grid: Any = figure.subplots(1, len(data.columns), sharey=True, squeeze=False)[0]
    for axes, (column, title) in zip(grid, data.columns.items(), strict=True):
        axes.axvline(0, color=MUTED, lw=0.9)
        for place, begin in enumerate(data.begins):
            values = data.rows.loc[data.rows["begins"] == begin, column].to_numpy(np.float64)
            heights = place + 0.24 * (2 * ((np.arange(len(values)) * TURN) % 1) - 1)
            axes.plot(values, heights, "o", color=STYLES[1].color, ms=4, alpha=0.5, mew=0)
            axes.plot([np.median(values)] * 2, [place - 0.33, place + 0.33], color=INK, lw=2.2, zorder=4)
        axes.set_xlabel(title)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.grid(visible=False, axis="y")
        axes.locator_params(axis="x", nbins=5)
    grid[0].set_yticks(range(len(names)), names)
    return figure

"""Class by class: how often each was answered rightly before the growth and at the end, and what it lost to others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from harness.reporting.figures._style import INK, MUTED, add_legend, arm_handles, arm_styles, label, new_figure

__all__ = ["ClassesData", "draw_classes"]

APART = 0.22  # between the arms of one class, in rows


@dataclass(frozen=True)
class ClassesData:
    """What the figure shows, in percent.

    Attributes:
        rows: `name, known, arm, before, end, taken`, one row a class and arm; `known` says whether the class was there
            before the growth, `before` is NaN where it was not.
    """

    rows: pd.DataFrame
    arms: Sequence[str]


def draw_classes(data: ClassesData) -> Figure:
    """Draw a row per class, known ones above; left how well it was answered, right what other classes took."""
    order = data.rows.sort_values("known", ascending=False, kind="stable")["name"].unique()
    figure = new_figure(6.8, 1.3 + 0.16 * len(order) * max(len(data.arms), 2))
    figure.set_layout_engine("constrained")
    grid: Any = figure.subplots(1, 2, sharey=True)
    places = {name: place for place, name in enumerate(order)}
    for number, (arm, style) in enumerate(arm_styles(data.arms).items()):
        part = data.rows[data.rows["arm"] == arm]
        at = part["name"].map(places) + APART * (number - (len(data.arms) - 1) / 2)
        for low, high, place in zip(part["before"], part["end"], at, strict=True):
            grid[0].plot([low, high], [place, place], color=style.color, lw=1.1, zorder=2)
        grid[0].plot(part["before"], at, "o", color="white", mec=MUTED, ms=4.5, mew=1.0, zorder=3)
        grid[0].plot(part["end"], at, style.marker, color=style.color, ms=5, mew=0, zorder=4)
        grid[1].plot(part["taken"], at, style.marker, color=style.color, ms=5, mew=0, zorder=4)
    grid[0].set_yticks(range(len(order)), [label(str(name)) for name in order])
    grid[0].set_ylim(len(order) - 0.5, -0.5)
    amount = int(data.rows.drop_duplicates("name")["known"].sum())
    for axes, title in zip(grid, ("answered rightly (%)", "taken for a class of another arrival (%)"), strict=True):
        axes.set_xlabel(title)
        if 0 < amount < len(order):
            axes.axhline(amount - 0.5, color=INK, lw=0.9)
    grid[0].set_ylabel("class")
    before = Line2D([], [], color="white", marker="o", mec=MUTED, ls="", label="before the growth")
    add_legend(figure, [*arm_handles(data.arms, lines=False), before])
    return figure

"""Which class was taken for which, before the growth and at the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from harness.reporting.analysis.class_answers import BEFORE, confusion, states_by_arm
from harness.reporting.context import ReportContext
from harness.reporting.data.wording import count, number
from harness.reporting.figures._base import ReportFigure, if_compared, rendered
from harness.reporting.figures._style import BAND, INK, STYLES, label, new_figure

__all__ = ["ConfusionData", "confusion_figure", "draw_confusion"]

MOST_CLASSES = 20
MOST_NUMBERS = 12  # classes whose cells have room for numbers
LEAST_WRITTEN = 0.5  # percent
COLORS = LinearSegmentedColormap.from_list("taken", ["white", STYLES[1].color])


@dataclass(frozen=True)
class ConfusionData:
    """What the figure shows.

    Attributes:
        rows: `arm, truth, answer, share`, shares in percent of the examples of a class, by truth and answer.
        states: the names in `arm` that have a panel each.
    """

    rows: pd.DataFrame
    states: Sequence[str]

    @property
    def darkest(self) -> float:
        """The share from which on wrong answers have the darkest color: the largest at the end."""
        wrong = self.rows[self.rows["truth"] != self.rows["answer"]]
        ends = wrong[wrong["arm"] != BEFORE]
        return max(float((ends if len(ends) else wrong)["share"].max()), 1.0)


@if_compared
def confusion_figure(context: ReportContext) -> ReportFigure | None:
    """Show what was taken for what under both arms; None unless several classes are answered and answers kept."""
    data, comparison = context.data, context.comparison
    states = states_by_arm(data, comparison)
    states = states[states["arm"].isin([BEFORE, comparison.first, comparison.second])]
    if data.answers is None or not len(states):
        return None
    rows = confusion(states, data.answers.examples["truth"].to_numpy())
    every = rows["truth"].nunique()
    if every < 2:
        return None
    names = [name for name in (BEFORE, comparison.first, comparison.second) if name in set(rows["arm"])]
    shown = _most_confused(rows)
    drawn = ConfusionData(_percent(rows[rows["truth"].isin(shown) & rows["answer"].isin(shown)]), names)
    some = f" The {len(shown)} of {every} classes with the most wrong answers." if len(shown) < every else ""
    early = " Before the growth, classes that came with it could not be answered." if BEFORE in names else ""
    told = "; ".join(_worst(drawn.rows, name) for name in names)
    return ReportFigure(
        name="confusion",
        title="What was taken for what",
        caption=(
            f"Of the test examples of each class (down), the percentage that was answered with each class (across): "
            f"means over {count(comparison.mean.units, 'configuration')} after means over seeds. Right answers lie on "
            f"the diagonal, in gray; wrong ones are the darker the more there are, up to "
            f"{number(drawn.darkest, 0)} %.{early}{some}"
        ),
        alt=f"Most often taken for another class: {told}.",
        **rendered(lambda: draw_confusion(drawn)),
        data=drawn.rows,
    )


def _percent(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(share=100 * rows["share"]).reset_index(drop=True)


def _most_confused(rows: pd.DataFrame) -> set[int]:
    wrong = rows[(rows["truth"] != rows["answer"]) & (rows["arm"] != BEFORE)]
    missed = wrong.groupby("truth")["share"].sum() + wrong.groupby("answer")["share"].sum()
    return set(missed.sort_values(ascending=False, kind="stable").index[:MOST_CLASSES])


def _worst(rows: pd.DataFrame, name: str) -> str:
    wrong = rows[(rows["arm"] == name) & (rows["truth"] != rows["answer"]) & rows["share"].notna()]
    if not len(wrong):
        return f"{name}, nothing"
    worst = wrong.loc[wrong["share"].idxmax()]
    return f"{name}, {worst['truth']} for {worst['answer']} in {number(worst['share'], 1)} %"


def draw_confusion(data: ConfusionData) -> Figure:
    """Draw a panel for each state: classes down, answers across."""
    classes = sorted(data.rows["truth"].unique())
    size = max(1.7, 0.24 * len(classes)) if len(classes) <= MOST_NUMBERS else 0.15 * len(classes)
    figure = new_figure(0.5 + (size + 0.25) * len(data.states), size + 0.8)
    figure.set_layout_engine("constrained")
    grid: Any = figure.subplots(1, len(data.states), sharey=True, squeeze=False)
    for axes, name in zip(grid[0], data.states, strict=True):
        cells = data.rows.loc[data.rows["arm"] == name, "share"].to_numpy(np.float64)
        _draw(axes, cells.reshape(len(classes), -1), data.darkest)
        for set_ticks in (axes.set_xticks, axes.set_yticks):
            set_ticks(range(len(classes)), [str(label) for label in classes], size=6.5)
        axes.set_title(label(name, 24))
        axes.set_xlabel("answer")
    grid[0, 0].set_ylabel("class")
    return figure


def _draw(axes: Axes, cells: NDArray[np.float64], darkest: float) -> None:
    numbers = len(cells) <= MOST_NUMBERS
    for row, column in zip(*np.nonzero(np.eye(len(cells), dtype=bool) | (cells > 0)), strict=True):
        value, right = cells[row, column], row == column
        color = BAND if right else COLORS(value / darkest)
        axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=color))
        if numbers and (right or value >= LEAST_WRITTEN):
            ink = "white" if not right and value > 0.6 * darkest else INK
            axes.text(column, row, number(value, 0), ha="center", va="center", size=5.5, color=ink)
    axes.set_xlim(-0.5, len(cells) - 0.5)
    axes.set_ylim(len(cells) - 0.5, -0.5)
    axes.set_aspect("equal")

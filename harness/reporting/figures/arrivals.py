"""A matrix per arm: accuracy on each arrival of classes at the end of each stage."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from harness.reporting.analysis.arrivals import CELL, accuracy_matrices, arrival_measures, means_by_arm
from harness.reporting.context import ReportContext
from harness.reporting.data.wording import count, listed, number
from harness.reporting.figures._base import ReportFigure, if_compared, rendered
from harness.reporting.figures._style import INK, label, new_figure

__all__ = ["ArrivalsData", "arrivals_figure", "draw_arrivals"]

COLORS = "cividis"  # even in gray, and the same for all eyes
MOST_ACROSS = 3
OFTEN = 2  # arrivals after the start, from which on a matrix says more than two numbers
MOST_WRITTEN = 12  # stages; more would leave no room for numbers


@dataclass(frozen=True)
class ArrivalsData:
    """What the figure shows: `cells` has `arm, stage, arrival, value`, accuracies as fractions."""

    cells: pd.DataFrame
    arms: Sequence[str]


@if_compared
def arrivals_figure(context: ReportContext) -> ReportFigure | None:
    """Show how well each arrival of classes was answered at the end of each stage, where classes came often."""
    evaluations = context.arrivals
    if not len(evaluations) or evaluations["arrival"].max() < OFTEN:
        return None
    matrices = accuracy_matrices(evaluations)
    cells = means_by_arm(matrices, CELL)
    measures = means_by_arm(arrival_measures(evaluations)).set_index("arm")
    arms = [arm for arm in context.data.arms if arm in measures.index]
    cells = cells[cells["arm"].isin(arms)].reset_index(drop=True)
    told = [measures.loc[arm, ["average_accuracy", "forgetting"]] * 100 for arm in arms]
    means = listed(
        [
            f"{arm} {number(mean, 1)} % and {number(lost, 1)} points"
            for arm, (mean, lost) in zip(arms, told, strict=True)
        ]
    )
    return ReportFigure(
        name="arrivals",
        title="What each arrival of classes did to those before",
        caption=(
            f"Validation accuracy on the classes of each arrival, at the end of each stage: means over "
            f"{count(matrices['trial'].nunique(), 'configuration')}. Down the diagonal: what was learned when it came; "
            f"below: what was left of it later. Average accuracy at the end, and forgetting: {means}."
        ),
        alt=f"Average accuracy at the end, and forgetting: {means}.",
        **rendered(lambda: draw_arrivals(ArrivalsData(cells, arms))),
        data=cells,
    )


def draw_arrivals(data: ArrivalsData) -> Figure:
    """Draw a row per stage and a column per arrival, with the accuracy in percent written into each cell."""
    across = min(len(data.arms), MOST_ACROSS)
    down = -(-len(data.arms) // across)
    size = int(max(data.cells["stage"].max(), data.cells["arrival"].max())) + 1
    side = min(0.75 + 0.36 * size, 4.6)
    figure = new_figure(0.9 + side * across, 0.6 + side * down)
    figure.set_layout_engine("constrained")
    grid: Any = figure.subplots(down, across, squeeze=False)
    for axes in list(grid.flat)[len(data.arms) :]:
        axes.set_visible(False)
    for axes, arm in zip(grid.flat, data.arms, strict=False):
        matrix = np.full((size, size), np.nan)
        part = data.cells[data.cells["arm"] == arm]
        matrix[part["stage"], part["arrival"]] = 100 * part["value"]
        drawn = axes.pcolormesh(matrix, cmap=COLORS, vmin=0, vmax=100, edgecolors="white", linewidth=0.8)
        for stage, arrival in zip(*np.nonzero(np.isfinite(matrix)), strict=True):
            value = matrix[stage, arrival]
            if size <= MOST_WRITTEN:
                axes.text(
                    arrival + 0.5, stage + 0.5, number(value, 0), ha="center", va="center", fontsize=7.5,
                    color="white" if value < 55 else INK,
                )  # fmt: skip
        axes.invert_yaxis()
        axes.set_aspect("equal")
        axes.grid(visible=False)
        places = range(0, size, 1 + size // MOST_WRITTEN)
        axes.set_xticks([place + 0.5 for place in places], [str(place) for place in places])
        axes.set_yticks([place + 0.5 for place in places], [str(place) for place in places])
        axes.set_title(label(arm, 12 + 3 * size))
        axes.set_xlabel("arrival of classes")
        axes.set_ylabel("after stage")
    figure.colorbar(drawn, ax=grid, label="accuracy (%)", shrink=0.8, pad=0.02)
    return figure

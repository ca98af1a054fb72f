"""A matrix per arm: accuracy on each arrival of classes at the end of each stage."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from harness.reporting.context import ReportContext
from harness.reporting.data.columns import RUN
from harness.reporting.data.study_data import StudyData
from harness.reporting.data.wording import count, listed, number
from harness.reporting.figures._base import ReportFigure, if_compared, rendered
from harness.reporting.figures._style import INK, label, new_figure

__all__ = ["ArrivalsData", "arrivals_figure", "arrivals_of", "draw_arrivals"]

BY_ARRIVAL = "val/accuracy_by_arrival/"
GROWN = "growth/parameters_added"
COLORS = "cividis"  # even in gray, and the same for all eyes
MOST_ACROSS = 3
MOST_WRITTEN = 12  # stages; more would leave no room for numbers


@dataclass(frozen=True)
class ArrivalsData:
    """What the figure shows: `cells` has `arm, stage, arrival, value`, accuracies as fractions."""

    cells: pd.DataFrame
    arms: Sequence[str]


@if_compared
def arrivals_figure(context: ReportContext) -> ReportFigure | None:
    """Show how well each arrival of classes was answered at the end of each stage, where classes came often."""
    data = context.data
    table = arrivals_of(data)
    if not len(table) or table["arrival"].max() < 2:
        return None
    often = table.groupby("arm")["arrival"].max() > 0
    arms = [arm for arm in data.arms if often.get(arm, default=False)]
    table = table[table["arm"].isin(arms)]
    told = {arm: _summary(table[table["arm"] == arm]) for arm in arms}
    means = listed([f"{arm} {number(mean, 1)} % and {number(lost, 1)} points" for arm, (mean, lost) in told.items()])
    return ReportFigure(
        name="arrivals",
        title="What each arrival of classes did to those before",
        caption=(
            f"Validation accuracy on the classes of each arrival, at the end of each stage: means over "
            f"{count(table['trial'].nunique(), 'configuration')}. Down the diagonal: what was learned when it came; "
            f"below: what was left of it later. Mean over arrivals at the end, and mean of what was lost of each since "
            f"its best: {means}."
        ),
        alt=f"Mean accuracy at the end and mean forgetting: {means}.",
        **rendered(lambda: draw_arrivals(ArrivalsData(_means(table), arms))),
        data=_means(table),
    )


def arrivals_of(data: StudyData) -> pd.DataFrame:
    """Return `trial, arm, stage, arrival, value`: accuracy by arrival at the end of each stage, means over seeds."""
    completed = set(data.runs.loc[data.runs["status"] == "completed", "run_id"])
    curves = data.curves[data.curves["run_id"].isin(completed)]
    names = [name for name in map(str, curves["name"].unique()) if name.startswith(BY_ARRIVAL)]
    series = curves[curves["name"].isin(names)]
    growths = curves.loc[curves["name"] == GROWN, [*RUN, "step"]].astype({"arm": "str"})
    steps = growths.groupby(RUN)["step"].apply(np.array).to_dict()
    rows = []
    for key, part in series.groupby([*RUN, "name"], observed=True):
        known = steps.get(key[:3], np.empty(0))
        which, ends = str(key[3]).removeprefix(BY_ARRIVAL), _stage_ends(part, known)
        # As long as there is one arrival, its accuracy is recorded as the mean alone.
        ends = ends if which.isdecimal() else [(stage, value) for stage, value in ends if stage == 0]
        rows += [(*key[:3], stage, int(which) if which.isdecimal() else 0, value) for stage, value in ends]
    found = pd.DataFrame(rows, columns=[*RUN, "stage", "arrival", "value"])
    return found.groupby(["trial", "arm", "stage", "arrival"])["value"].mean().reset_index()


def _stage_ends(series: pd.DataFrame, growths: Sequence[int]) -> list[tuple[int, float]]:
    """Return the last value of each stage; at the step of a growth the first value is of the stage before."""
    step, value = series["step"].to_numpy(), series["value"].to_numpy(np.float64)
    again = np.concatenate([[False], step[1:] == step[:-1]]) if len(step) else np.empty(0, bool)
    # A value at the step of a growth that the series has not yet had before it, is of the stage after.
    stage = np.searchsorted(growths, step, side="left") + (again | (step == step[0]) & np.isin(step, growths))
    return [(int(number), float(value[stage == number][-1])) for number in np.unique(stage)]


def _means(table: pd.DataFrame) -> pd.DataFrame:
    return table.groupby(["arm", "stage", "arrival"])["value"].mean().reset_index()


def _summary(table: pd.DataFrame) -> tuple[float, float]:
    """Return, in percent, the mean over arrivals at the end, and the mean of what was lost of all but the last."""
    means = table.pivot_table(index="stage", columns="arrival", values="value")
    last, best = means.iloc[-1], means.max()
    lost = (best - last).iloc[:-1]
    return 100 * float(last.mean()), 100 * float(lost.mean()) if len(lost) else np.nan


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

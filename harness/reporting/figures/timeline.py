"""What became of every run: how far it was trained, when it grew, how it ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from harness.reporting.figures._style import INK, add_legend, arm_handles, arm_styles, label, new_figure

__all__ = ["ENDS", "TimelineData", "draw_timeline"]

LANE, MARGIN = 0.085, 1.15  # inches: of one run, of everything else
ENDS: Mapping[str, tuple[str, str]] = {  # marker, and what it says
    "completed": ("|", "completed"),
    "failed": ("X", "failed"),
    "pruned": ("v", "given up"),
    "not ended": (">", "not ended"),
}


@dataclass(frozen=True)
class TimelineData:
    """What the figure shows.

    Attributes:
        runs: `trial, arm, seed, ended, last`: how the run ended, a key of `ENDS`, and after how many updates.
        growths: `trial, arm, seed, step`, one row a growth.
    """

    runs: pd.DataFrame
    growths: pd.DataFrame
    arms: Sequence[str]


def draw_timeline(data: TimelineData) -> Figure:
    """Draw a line per run, configurations below one another, with a mark for each growth and for the end."""
    styles = arm_styles(data.arms)
    order = {arm: place for place, arm in enumerate(data.arms)}
    runs = data.runs.assign(order=data.runs["arm"].map(order)).sort_values(["trial", "order", "seed"])
    trials = {trial: place for place, trial in enumerate(runs["trial"].unique())}
    lanes = {
        (run["trial"], run["arm"], run["seed"]): row + 1.5 * trials[run["trial"]]
        for row, run in enumerate(runs.to_dict("records"))
    }
    figure = new_figure(6.8, MARGIN + LANE * (max(lanes.values(), default=0) + 1))
    figure.set_layout_engine("constrained")
    axes = figure.subplots()
    for run in runs.to_dict("records"):
        style, lane = styles[run["arm"]], lanes[run["trial"], run["arm"], run["seed"]]
        axes.plot([0, run["last"]], [lane, lane], color=style.color, ls=style.line, lw=1.4, alpha=0.75)
        marker, _ = ENDS[run["ended"]]
        color = style.color if run["ended"] == "completed" else INK
        axes.plot(run["last"], lane, marker, color=color, ms=5, mew=1.2 if marker == "|" else 0, zorder=4)
    for growth in data.growths.to_dict("records"):
        axes.plot(growth["step"], lanes[growth["trial"], growth["arm"], growth["seed"]], "D", color=INK, ms=2.6, mew=0)
    middles = pd.Series(lanes).groupby(level=0).mean()
    axes.set_yticks(middles, [label(str(trial)) for trial in middles.index])
    axes.set_ylim(max(lanes.values(), default=0) + 1.5, -1.5)
    axes.grid(visible=False, axis="y")
    axes.set_ylabel("configuration")
    axes.set_xlabel("optimizer updates")
    add_legend(figure, [*arm_handles(data.arms), *_marks(runs)])
    return figure


def _marks(runs: pd.DataFrame) -> list[Line2D]:
    marks = [("D", "growth"), *(ENDS[name] for name in ENDS if name != "completed" and name in set(runs["ended"]))]
    return [Line2D([], [], color=INK, marker=mark, ls="", ms=4, label=name) for mark, name in marks]

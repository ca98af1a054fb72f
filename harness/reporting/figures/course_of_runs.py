"""What became of every run: how far it was trained, when it grew, how it ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from harness.reporting.context import ReportContext
from harness.reporting.data.columns import RUN
from harness.reporting.data.study_data import StudyData
from harness.reporting.data.wording import count, listed
from harness.reporting.figures._base import ReportFigure, rendered
from harness.reporting.figures._style import INK, add_legend, arm_handles, arm_styles, label, new_figure

__all__ = ["ENDS", "TimelineData", "course_of_runs_figure", "draw_timeline"]

MOST_LANES = 120
GROWN = "growth/parameters_added"
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


def course_of_runs_figure(context: ReportContext) -> ReportFigure | None:
    """Show every planned run: how far it was trained, when it grew, and how it ended."""
    data = context.data
    if not len(data.runs):
        return None
    runs, growths = _ends(data), _growths(data)
    shown = _some_trials(runs)
    runs, growths = (frame[frame["trial"].isin(shown)].reset_index(drop=True) for frame in (runs, growths))
    drawn = TimelineData(runs, growths, data.arms)
    amounts = runs["ended"].value_counts()
    found = listed(
        [f"{amounts[how]:,} {how}" for how in ("completed", "failed", "pruned", "not ended") if how in amounts]
    )
    planned = max(data.study.trials, len(shown))
    some = f"{len(shown)} of {planned:,} configurations, evenly by number" if len(shown) < planned else "all runs"
    return ReportFigure(
        name="course_of_runs",
        title="When runs grew, and how they ended",
        caption=(
            f"Each line is one planned run, from its first update to its last: {some}. Runs of one configuration lie "
            f"together, by arm and seed. What arms share before the growth was trained once and is drawn for each."
        ),
        alt=f"{count(len(runs), 'run')}: {found}; {count(len(growths), 'growth')}.",
        **rendered(lambda: draw_timeline(drawn)),
        data=runs.merge(growths.rename(columns={"step": "growth"}), on=RUN, how="left"),
    )


def _ends(data: StudyData) -> pd.DataFrame:
    """Return `trial, arm, seed, ended, last` of every planned run and of any that ended beside the plan."""
    last = data.curves.groupby("run_id", observed=True)["step"].max()
    ended = data.runs.assign(last=data.runs["run_id"].map(last.rename(index=str)).astype(np.float64))
    if "cost/steps" in ended:
        ended["last"] = ended["cost/steps"].fillna(ended["last"])
    trials = sorted({*range(data.study.trials), *data.runs["trial"].tolist()})
    planned = pd.DataFrame(
        [(trial, arm, seed) for trial in trials for arm, seed in product(data.arms, _seeds(data, trial))], columns=RUN
    )
    runs = planned.merge(ended[[*RUN, "status", "last"]], on=RUN, how="left").rename(columns={"status": "ended"})
    return runs.assign(ended=runs["ended"].fillna("not ended"), last=runs["last"].fillna(0.0))


def _seeds(data: StudyData, trial: int) -> list[int]:
    """Return the seeds of a configuration: those that are planned, and any that ran beside the plan."""
    planned = () if data.searched else data.study.seeds_of(trial)
    return sorted({*planned, *data.runs.loc[data.runs["trial"] == trial, "seed"].tolist()})


def _growths(data: StudyData) -> pd.DataFrame:
    return data.curves.loc[data.curves["name"] == GROWN, [*RUN, "step"]].astype({"arm": "str"})


def _some_trials(runs: pd.DataFrame) -> list[int]:
    """Return the configurations that are drawn: so many, evenly by number, that lanes can be told apart."""
    trials = np.unique(runs["trial"])
    most = max(MOST_LANES * len(trials) // len(runs), 1)
    if len(trials) <= most:
        return [int(trial) for trial in trials]
    return [int(trial) for trial in trials[np.linspace(0, len(trials) - 1, most).round().astype(int)]]


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

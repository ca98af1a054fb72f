"""The exhibit of what became of every run."""

from itertools import product

import numpy as np
import pandas as pd

from harness.reporting.data.study_data import RUN, StudyData
from harness.reporting.data.wording import count, listed
from harness.reporting.figures._base import Exhibit, rendered
from harness.reporting.figures.timeline import TimelineData, draw_timeline

__all__ = ["course_exhibit"]

MOST_LANES = 120
GROWN = "growth/parameters_added"


def course_exhibit(data: StudyData) -> Exhibit | None:
    """Show every planned run: how far it was trained, when it grew, and how it ended."""
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
    return Exhibit(
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
    seeds = sorted({*range(data.study.seeds), *data.runs["seed"].tolist()})
    trials = sorted({*range(data.study.trials), *data.runs["trial"].tolist()})
    planned = pd.DataFrame(list(product(trials, data.arms, seeds)), columns=RUN)
    runs = planned.merge(ended[[*RUN, "status", "last"]], on=RUN, how="left").rename(columns={"status": "ended"})
    return runs.assign(ended=runs["ended"].fillna("not ended"), last=runs["last"].fillna(0.0))


def _growths(data: StudyData) -> pd.DataFrame:
    return data.curves.loc[data.curves["name"] == GROWN, [*RUN, "step"]].astype({"arm": "str"})


def _some_trials(runs: pd.DataFrame) -> list[int]:
    """Return the configurations that are drawn: so many, evenly by number, that lanes can be told apart."""
    trials = np.unique(runs["trial"])
    most = max(MOST_LANES * len(trials) // len(runs), 1)
    if len(trials) <= most:
        return [int(trial) for trial in trials]
    return [int(trial) for trial in trials[np.linspace(0, len(trials) - 1, most).round().astype(int)]]

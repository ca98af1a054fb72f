"""Every arm, also those that are not compared, over all of training."""

from typing import Any

import pandas as pd

from harness.reporting.context import ReportContext
from harness.reporting.data.columns import RUN
from harness.reporting.data.wording import count, listed_in_part
from harness.reporting.figures._base import ReportFigure, if_compared, rendered
from harness.reporting.figures._course import CourseData, draw_course

__all__ = ["all_of_training_figure"]


@if_compared
def all_of_training_figure(context: ReportContext) -> ReportFigure | None:
    """Show all arms, also those that are not compared, over all of training."""
    data = context.data
    name = "val/accuracy/all"
    completed = set(data.runs.loc[data.runs["status"] == "completed", "run_id"])
    points = data.curves[(data.curves["name"] == name) & data.curves["run_id"].isin(completed)]
    # At the growth a run is evaluated twice; the second time with all its classes.
    points = points.drop_duplicates([*RUN, "step"], keep="last")
    by_trial = points.groupby(["arm", "trial", "step"], observed=True)["value"].mean().reset_index()
    arms = [arm for arm in data.arms if arm in set(by_trial["arm"])]
    under = by_trial.groupby("trial")["arm"].transform("nunique")
    by_trial = by_trial[under == len(arms)]
    trials = by_trial["trial"].nunique()
    means = by_trial.groupby(["arm", "step"], observed=True)["value"].agg(["mean", "size"]).reset_index()
    means = means[means["size"] == trials]
    if not len(means):
        return None
    measure = data.measure(name)
    shown = pd.DataFrame({"arm": means["arm"], "offset": means["step"], "value": means["mean"] * measure.factor})
    shown = shown.assign(grown=False).reset_index(drop=True)
    ends: dict[Any, float] = shown.groupby("arm", observed=True)["value"].last().to_dict()
    drawn = CourseData(
        shown.iloc[:0].assign(trial=0),
        shown,
        arms,
        "optimizer updates",
        f"{measure.title} ({measure.level_unit})",
        at_growth=False,
    )
    return ReportFigure(
        name="all_of_training",
        title="Every arm over all of training",
        caption=(
            f"{measure.title[:1].upper() + measure.title[1:]} by optimizer updates from the start: means over "
            f"{count(trials, 'configuration')} that completed under every arm, at the steps at which all of them were "
            f"evaluated. Growths lie at different steps, so that their jumps are smoothed here."
        ),
        alt="At the end: "
        + listed_in_part([f"{arm} {measure.level(ends[arm] / measure.factor)} %" for arm in arms])
        + ".",
        **rendered(lambda: draw_course(drawn)),
        data=shown.drop(columns="grown").rename(columns={"offset": "step"}),
    )

"""Arms at equal cost: what each had reached after the same seconds or operations."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from harness.reporting.analysis.equal_cost import SECONDS, AtCost, Cost
from harness.reporting.data.measures import Measure
from harness.reporting.data.study_data import StudyData
from harness.reporting.data.wording import count, in_unit, listed
from harness.reporting.figures._base import ReportFigure, rendered
from harness.reporting.figures._course import CourseData, draw_course

__all__ = ["equal_cost_figure"]


def equal_cost_figure(
    data: StudyData, measure: Measure, spent: Mapping[Cost, AtCost], cost: Cost, name: str, axis: str, meaning: str
) -> ReportFigure | None:
    """Show the validation metric of every arm by a cost; `meaning` is what the caption says of it."""
    courses = spent[cost]
    arms = [arm for arm in data.arms if any(arm == key[1] for key in courses)]
    if len(arms) < 2:
        return None
    rows = [
        {"arm": arm, "trial": trial, "grown": False, "offset": amount * cost.measure.factor, "value": value}
        for (trial, arm), (total, costs, values) in courses.items()
        for amount, value in zip(costs[costs < total], values * measure.factor, strict=False)
    ]
    points = pd.DataFrame(rows)
    grouped = points.groupby(["arm", "grown", "offset"])["value"].agg(["mean", "size"]).reset_index()
    amounts = points.groupby("arm")["trial"].nunique()
    means = grouped[grouped["size"] == grouped["arm"].map(amounts)].rename(columns={"mean": "value"})
    shown = data.measure(f"val/{measure.metric.removeprefix('test/')}")
    up = shown.title + in_unit(shown.level_unit)
    drawn = CourseData(points.iloc[:0], means, arms, axis, up, at_growth=False)
    totals = {arm: np.mean([total for (_, own), (total, _, _) in courses.items() if own == arm]) for arm in arms}
    unit = cost.measure.unit
    spent_by_arm = listed([f"{arm} {cost.measure.level(float(totals[arm]))} {unit}" for arm in arms])
    return ReportFigure(
        name=name,
        title=f"Every arm at equal {cost.name}",
        caption=(
            f"{shown.title[:1].upper() + shown.title[1:]} by {cost.name} of training: means over "
            f"{count(int(amounts.max()), 'configuration')} that completed under every arm, after means over seeds, as "
            f"far as all of them train. In all, on average: {spent_by_arm}. {meaning}; steps before and after the "
            f"growth are taken to be equally {'long' if cost is SECONDS else 'dear'} each."
        ),
        alt=f"{cost.name.capitalize()} in all: {spent_by_arm}.",
        **rendered(lambda: draw_course(drawn)),
        data=means.drop(columns=["grown", "size"]).rename(columns={"offset": cost.key}),
    )

"""What is forgotten just after a growth, and what comes back."""

from typing import Any

import pandas as pd

from harness.reporting.analysis.stability_gap import finest_interval, known_accuracy
from harness.reporting.context import ReportContext
from harness.reporting.data.alignment import aligned, arm_means, some_lines
from harness.reporting.data.measures import measure_of
from harness.reporting.data.wording import listed_in_part
from harness.reporting.figures._base import ReportFigure, if_compared, rendered
from harness.reporting.figures._captions import of_controls, of_how_many
from harness.reporting.figures._course import CourseData, draw_course
from harness.reporting.figures._long_form import long_form

__all__ = ["stability_gap_figure"]

BEFORE, AFTER = 3, 20  # evaluations around the growth that the stability gap is looked for in


@if_compared
def stability_gap_figure(context: ReportContext) -> ReportFigure | None:
    """Show how accuracy on the known classes fell and came back just after the growth (arXiv 2205.13452)."""
    curves, comparison, interval, arms = context.curves, context.comparison, context.interval, context.curve_arms
    name = known_accuracy(curves)
    if name is None:
        return None
    fine, until = finest_interval(curves, name, interval)
    near = curves[curves["steps_since_growth"].between(-BEFORE * interval, AFTER * interval)]
    measure, change = measure_of(name), _changes(aligned(near, name, fine))
    change["value"] *= measure.factor
    means = arm_means(change)
    grew = set(near.loc[near["grew"], "arm"])  # others have nothing to forget at a growth
    lowest: dict[Any, float] = means[means["grown"]].groupby("arm", observed=True)["value"].min().to_dict()
    if not grew & lowest.keys():
        return None
    said = listed_in_part(
        [f"{arm} {measure.difference(lowest[arm] / measure.factor)}" for arm in arms if arm in lowest and arm in grew]
    )
    up = f"{measure.title},\nchange since the growth ({measure.unit})"
    across = "optimizer updates since the growth"
    drawn = CourseData(some_lines(change), means, arms, across, up, at_growth=True, zoom=until)
    often = "every update" if fine == 1 else f"every {fine:,} updates"
    seen = f"evaluated after {often} up to update {until:,} (left), and then " if until else "evaluated "
    return ReportFigure(
        name="stability_gap",
        title="What was forgotten at the growth, and what came back",
        caption=(
            f"{measure.title[:1].upper() + measure.title[1:]}, {seen}after every {interval:,} updates, as change from "
            f"the last evaluation before the growth. Thick lines are means over configurations, thin lines single "
            f"configurations{of_how_many(comparison)}. Lowest mean ({measure.unit}): {said}. What falls and recovers "
            f"between two evaluations is not seen.{of_controls(context, near)}"
        ),
        alt=f"Change of accuracy on known classes after the growth; lowest mean ({measure.unit}): {said}.",
        **rendered(lambda: draw_course(drawn)),
        data=long_form({name: (drawn.lines, means, pd.DataFrame())}),
    )


def _changes(points: pd.DataFrame) -> pd.DataFrame:
    """Return the points as change from the last one before the growth, where there is one."""
    last = points[~points["grown"]].sort_values("offset").groupby(["trial", "arm"])["value"].last()
    change = points.join(last.rename("before"), on=["trial", "arm"]).dropna(subset="before")
    return change.assign(value=change["value"] - change["before"])

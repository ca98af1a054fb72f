"""Exhibits that set two outcomes against each other: what was learned against what was lost, or against its cost."""

import numpy as np
import pandas as pd

from harness.reporting.analysis.pairing import Comparison, completed_pairs
from harness.reporting.data.measures import Measure
from harness.reporting.data.study_data import StudyData
from harness.reporting.data.wording import count, listed
from harness.reporting.figures._base import Exhibit, rendered
from harness.reporting.figures.controls import complete_means
from harness.reporting.figures.cost import CostData, draw_cost
from harness.reporting.figures.tradeoff import TradeoffData, draw_tradeoff
from harness.reporting.statistics import mean_estimate

__all__ = ["cost_exhibit", "kept_exhibit"]


def kept_exhibit(data: StudyData, comparison: Comparison) -> Exhibit | None:
    """Show accuracy on the late classes against forgetting of the known ones."""
    late = _late_metric(data)
    if late is None:
        return None
    names = {"x": "test/forgetting", "y": late}
    parts = [
        completed_pairs(data.runs, comparison.first, comparison.second, metric)
        .groupby("trial")[["first", "second"]]
        .mean()
        .add_prefix(f"{axis}_")
        for axis, metric in names.items()
    ]
    rows = parts[0].join(parts[1], how="inner").reset_index()
    if not len(rows):
        return None
    x, y = data.measure(names["x"]), data.measure(names["y"])
    drawn = TradeoffData(rows, rows.drop(columns="trial").mean(), x, y, (comparison.first, comparison.second))
    return Exhibit(
        name="kept_and_learned",
        title="What was kept, and what was learned",
        caption=(
            f"Each small point is one configuration under one arm, mean over seeds; a line joins the two arms of a "
            f"configuration. Large points are the means over {count(len(rows), 'configuration')}. Up and to the left "
            f"is better."
        ),
        alt=(
            f"{y.title.capitalize()} against {x.title}: {comparison.first} at {y.amount(drawn.means['y_first'])} and "
            f"{x.amount(drawn.means['x_first'])}, {comparison.second} at {y.amount(drawn.means['y_second'])} and "
            f"{x.amount(drawn.means['x_second'])}."
        ),
        **rendered(lambda: draw_tradeoff(drawn)),
        data=rows,
    )


def _late_metric(data: StudyData) -> str | None:
    """Return the accuracy on the classes that came late: the one head besides the known one, if there is just one."""
    heads = {name for name in data.metrics if name.startswith("test/accuracy/")}
    late = sorted(heads - {"test/accuracy/all", "test/accuracy/known"})
    return "test/accuracy/late" if "test/accuracy/late" in late else late[0] if len(late) == 1 else None


def cost_exhibit(data: StudyData, comparison: Comparison, measure: Measure) -> Exhibit | None:
    """Show the primary metric of every arm against the seconds that its training took."""
    cost = data.measure("cost/seconds")
    if not {cost.metric, measure.metric} <= set(data.metrics):
        return None
    points = complete_means(data, [cost.metric, measure.metric])
    points = points.rename(columns={cost.metric: "cost", measure.metric: "value"})
    arms = [arm for arm in data.arms if arm in set(points["arm"])]
    if not {comparison.first, comparison.second} <= set(arms):
        return None
    means = pd.DataFrame([_arm_mean(points, arm) for arm in arms])
    drawn = CostData(points, means, arms, cost, measure)
    trials = points["trial"].nunique()
    levels = [
        f"{row['arm']} {measure.amount(row['value'])} at {cost.amount(row['cost'])}" for row in means.to_dict("records")
    ]
    return Exhibit(
        name="cost",
        title="What it cost",
        caption=(
            f"Small points are configurations, means over seeds: {measure.title} against {cost.title} in seconds. "
            f"Large points are the arms' means, black lines their 95 % t intervals over "
            f"{count(trials, 'configuration')} that completed under every arm. Seconds are those of the machine that "
            f"trained; what arms share is counted for each."
        ),
        alt=f"Means: {listed(levels)}.",
        **rendered(lambda: draw_cost(drawn)),
        data=pd.concat([points.assign(shown="configuration"), means.assign(shown="mean")], ignore_index=True),
    )


def _arm_mean(points: pd.DataFrame, arm: str) -> dict[str, object]:
    part = points[points["arm"] == arm]
    estimate = mean_estimate(part["value"].tolist())
    low, high = (estimate.interval.low, estimate.interval.high) if estimate.interval else (np.nan, np.nan)
    return {"arm": arm, "cost": float(part["cost"].mean()), "value": estimate.mean, "low": low, "high": high}

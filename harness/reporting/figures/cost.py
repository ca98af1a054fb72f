"""The primary metric of every arm against what its training cost."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from harness.reporting.analysis.complete import complete_means
from harness.reporting.context import ReportContext
from harness.reporting.data.measures import Measure
from harness.reporting.data.wording import count, in_unit, listed_in_part
from harness.reporting.figures._base import ReportFigure, if_compared, rendered
from harness.reporting.figures._style import (
    add_legend,
    arm_handles,
    arm_styles,
    label,
    new_figure,
    plain_numbers,
    wrapped,
)
from harness.reporting.statistics import mean_estimate

__all__ = ["CostData", "cost_figure", "draw_cost"]


@dataclass(frozen=True)
class CostData:
    """What the figure shows, in stored units.

    Attributes:
        points: `arm, trial, cost, value`, means over seeds.
        means: `arm, cost, value, low, high`; the interval is NaN where there are too few configurations.
    """

    points: pd.DataFrame
    means: pd.DataFrame
    arms: Sequence[str]
    cost: Measure
    measure: Measure


@if_compared
def cost_figure(context: ReportContext) -> ReportFigure | None:
    """Show the primary metric of every arm against the seconds that its training took."""
    data, comparison, measure = context.data, context.comparison, context.measure
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
    return ReportFigure(
        name="cost",
        title="What it cost",
        caption=(
            f"Small points are configurations, means over seeds: {measure.title} against {cost.title} in seconds. "
            f"Large points are the arms' means, black lines their 95 % t intervals over "
            f"{count(trials, 'configuration')} that completed under every arm. Seconds are those of the machine that "
            f"trained; what arms share is counted for each."
        ),
        alt=f"Means: {listed_in_part(levels)}.",
        **rendered(lambda: draw_cost(drawn)),
        data=pd.concat([points.assign(shown="configuration"), means.assign(shown="mean")], ignore_index=True),
    )


def _arm_mean(points: pd.DataFrame, arm: str) -> dict[str, object]:
    part = points[points["arm"] == arm]
    estimate = mean_estimate(part["value"].tolist())
    low, high = (estimate.interval.low, estimate.interval.high) if estimate.interval else (np.nan, np.nan)
    return {"arm": arm, "cost": float(part["cost"].mean()), "value": estimate.mean, "low": low, "high": high}


def draw_cost(data: CostData) -> Figure:
    """Draw a small point per configuration and arm, and each arm's mean with its interval."""
    figure = new_figure(6.4, 4.4)
    figure.set_layout_engine("constrained")
    axes = figure.subplots()
    for arm, style in arm_styles(data.arms).items():
        part = data.points[data.points["arm"] == arm]
        axes.plot(
            part["cost"] * data.cost.factor, part["value"] * data.measure.factor,
            style.marker, color=style.color, ms=4.5, alpha=0.35, mew=0,
        )  # fmt: skip
        for mean in data.means[data.means["arm"] == arm].to_dict("records"):
            cost, factor = mean["cost"] * data.cost.factor, data.measure.factor
            axes.plot([cost, cost], [mean["low"] * factor, mean["high"] * factor], color="black", lw=1.8, zorder=4)
            place = (cost, mean["value"] * factor)
            axes.plot(*place, style.marker, color=style.color, ms=11, mec="black", mew=1.4, zorder=5)
    axes.set_xlabel(f"\N{LEFTWARDS ARROW} cheaper\n{label(data.cost.title, 60)} ({data.cost.unit})")
    axes.set_ylabel(f"{wrapped(data.measure.title, 40)}{in_unit(data.measure.level_unit)}\nbetter \N{RIGHTWARDS ARROW}")
    add_legend(figure, arm_handles(data.arms, lines=False))
    plain_numbers(axes)
    return figure

"""Every arm's results in a row of their own, with the arm's mean and its interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from harness.reporting.analysis.complete import complete_means
from harness.reporting.context import ReportContext
from harness.reporting.data.measures import Measure
from harness.reporting.data.wording import count, in_unit, listed_in_part
from harness.reporting.figures._base import ReportFigure, if_compared, rendered
from harness.reporting.figures._style import arm_styles, label, new_figure, text_width
from harness.reporting.statistics import mean_estimate

__all__ = ["LevelsData", "draw_levels", "every_arm_figure"]

APART = 0.26  # how far points of a row are spread, in rows
TURN = 0.6180339887498949  # the golden ratio: points that follow one another never lie side by side


@dataclass(frozen=True)
class LevelsData:
    """What the figure shows, in stored units.

    Attributes:
        points: `arm, trial, value`, means over seeds.
        means: `arm, value, low, high`; the interval is NaN where there are too few configurations.
    """

    points: pd.DataFrame
    means: pd.DataFrame
    arms: Sequence[str]
    measure: Measure


@if_compared
def every_arm_figure(context: ReportContext) -> ReportFigure | None:
    """Show every arm's results side by side, where there are others than the two that are compared."""
    data, measure = context.data, context.measure
    points = complete_means(data, [measure.metric]).rename(columns={measure.metric: "value"})
    arms = [arm for arm in data.arms if arm in set(points["arm"])]
    if len(arms) < 3:
        return None
    means = pd.DataFrame([_mean_of(arm, points.loc[points["arm"] == arm, "value"].tolist()) for arm in arms])
    drawn = LevelsData(points, means, arms, measure)
    levels = [f"{row['arm']} {measure.level(row['value'])}" for row in means.to_dict("records")]
    return ReportFigure(
        name="every_arm",
        title="Every arm side by side",
        caption=(
            f"Small points are configurations, means over seeds: {measure.title}, of the "
            f"{count(points['trial'].nunique(), 'configuration')} that completed under every arm. Large points are the "
            f"arms' means, black lines their 95 % t intervals. Intervals of arms may overlap where the paired "
            f"difference is clear, for arms share configurations and seeds."
        ),
        alt=f"Means{in_unit(measure.level_unit)}: {listed_in_part(levels)}.",
        **rendered(lambda: draw_levels(drawn)),
        data=pd.concat([points.assign(shown="configuration"), means.assign(shown="mean")], ignore_index=True),
    )


def _mean_of(arm: str, values: list[float]) -> dict[str, Any]:
    found = mean_estimate(values)
    low, high = (found.interval.low, found.interval.high) if found.interval else (np.nan, np.nan)
    return {"arm": arm, "value": found.mean, "low": low, "high": high, "configurations": found.units}


def draw_levels(data: LevelsData) -> Figure:
    """Draw a small point per configuration, and each arm's mean as a large one."""
    names = [label(arm) for arm in data.arms]
    figure = new_figure(4.4 + text_width(names, 9), 1.1 + 0.5 * len(data.arms))
    figure.set_layout_engine("constrained")
    axes = figure.subplots()
    factor = data.measure.factor
    for place, (arm, style) in enumerate(arm_styles(data.arms).items()):
        values = data.points.loc[data.points["arm"] == arm, "value"].to_numpy(np.float64) * factor
        heights = place + APART * (2 * ((np.arange(len(values)) * TURN) % 1) - 1)
        axes.plot(values, heights, style.marker, color=style.color, ms=4.5, alpha=0.4, mew=0)
        for mean in data.means[data.means["arm"] == arm].to_dict("records"):
            axes.plot([mean["low"] * factor, mean["high"] * factor], [place, place], color="black", lw=1.8, zorder=4)
            axes.plot(mean["value"] * factor, place, style.marker, color=style.color, ms=10, mec="black", zorder=5)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    unit = f" ({data.measure.level_unit})" if data.measure.level_unit else ""
    axes.set_xlabel(label(data.measure.title, 60) + unit)
    return figure

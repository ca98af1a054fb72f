"""Every arm that the study ran, beside the two that are compared."""

from typing import Any

import numpy as np
import pandas as pd

from harness.reporting.analysis.pairing import Comparison, compare
from harness.reporting.data.measures import Measure
from harness.reporting.data.study_data import StudyData
from harness.reporting.data.wording import NOTHING, count, listed
from harness.reporting.figures._base import Exhibit, rendered
from harness.reporting.figures._style import in_unit
from harness.reporting.figures.levels import LevelsData, draw_levels
from harness.reporting.statistics import interquartile_mean, mean_estimate
from harness.reporting.tables._base import Table, table_of_numbers

__all__ = ["complete_means", "controls_table", "every_arm_exhibit"]


def complete_means(data: StudyData, metrics: list[str]) -> pd.DataFrame:
    """Return `arm, trial` and the means over seeds of `metrics`, of the configurations that every arm completed.

    An arm none of whose runs has all metrics is left out.
    """
    finite = np.isfinite(data.runs[metrics].to_numpy(np.float64)).all(axis=1)
    runs = data.runs[(data.runs["status"] == "completed") & finite]
    means = runs.groupby(["arm", "trial"])[metrics].mean().reset_index()
    under = means.groupby("trial")["arm"].transform("nunique")
    complete: pd.DataFrame = means[under == means["arm"].nunique()]
    return complete.reset_index(drop=True)


def every_arm_exhibit(data: StudyData, measure: Measure) -> Exhibit | None:
    """Show every arm's results side by side, where there are others than the two that are compared."""
    points = complete_means(data, [measure.metric]).rename(columns={measure.metric: "value"})
    arms = [arm for arm in data.arms if arm in set(points["arm"])]
    if len(arms) < 3:
        return None
    means = pd.DataFrame([_mean_of(arm, points.loc[points["arm"] == arm, "value"].tolist()) for arm in arms])
    drawn = LevelsData(points, means, arms, measure)
    levels = [f"{row['arm']} {measure.level(row['value'])}" for row in means.to_dict("records")]
    return Exhibit(
        name="every_arm",
        title="Every arm side by side",
        caption=(
            f"Small points are configurations, means over seeds: {measure.title}, of the "
            f"{count(points['trial'].nunique(), 'configuration')} that completed under every arm. Large points are the "
            f"arms' means, black lines their 95 % t intervals. Intervals of arms may overlap where the paired "
            f"difference is clear, for arms share configurations and seeds."
        ),
        alt=f"Means: {listed(levels)} {measure.level_unit}.",
        **rendered(lambda: draw_levels(drawn)),
        data=pd.concat([points.assign(shown="configuration"), means.assign(shown="mean")], ignore_index=True),
    )


def _mean_of(arm: str, values: list[float]) -> dict[str, Any]:
    found = mean_estimate(values)
    low, high = (found.interval.low, found.interval.high) if found.interval else (np.nan, np.nan)
    return {"arm": arm, "value": found.mean, "low": low, "high": high, "configurations": found.units}


def controls_table(data: StudyData, comparison: Comparison, measure: Measure) -> Table | None:
    """Give the paired difference of the compared arms to each of the others, or None where there are none."""
    records = [
        _against(data, arm, other, comparison)
        for other in data.arms[2:]
        for arm in dict.fromkeys((comparison.first, comparison.second))
    ]
    records = [record for record in records if record["configurations"]]
    if not records:
        return None
    rows = [_row(record, measure) for record in records]
    note = (
        "Paired as the primary comparison is. These were not declared: their intervals are each for itself, and with "
        f"{count(len(records), 'row')} one of them may well exclude zero by chance."
    )
    return table_of_numbers("controls", "Against the other arms", rows, pd.DataFrame(records), note=note)


def _against(data: StudyData, arm: str, other: str, comparison: Comparison) -> dict[str, Any]:
    found = compare(data.runs, arm, other, comparison.metric, failure_value=comparison.failure_value)
    mean, differences = found.mean, found.configurations["difference"].tolist()
    low, high = (mean.interval.low, mean.interval.high) if mean.interval else (np.nan, np.nan)
    return {
        "arm": arm,
        "other": other,
        "difference": mean.mean,
        "low": low,
        "high": high,
        "interquartile_mean": interquartile_mean(differences).mean if len(differences) > 1 else mean.mean,
        "configurations": mean.units,
    }


def _row(record: dict[str, Any], measure: Measure) -> dict[str, str]:
    low, high = (measure.difference(record[end]) for end in ("low", "high"))
    return {
        "": f"{record['arm']} minus {record['other']}",
        f"difference{in_unit(measure.unit)}": measure.difference(record["difference"]),
        "95 % interval": f"{low} to {high}" if np.isfinite(record["low"]) else NOTHING,
        "IQM of the differences": measure.difference(record["interquartile_mean"]),
        "configurations": str(record["configurations"]),
    }

"""What runs had reached after so many seconds, or operations, rather than after so many updates."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.reporting.data.columns import RUN, TRUNK_FLOPS, TRUNK_SECONDS
from harness.reporting.data.measures import Measure, measure_of
from harness.reporting.data.study_data import StudyData

__all__ = ["FLOPS", "OPERATIONS", "SECONDS", "AtCost", "Cost", "at_cost", "at_costs", "spent_at"]

POINTS = 80
Array = NDArray[np.float64]
OPERATIONS = (
    "those of matrix products, convolutions and attention, forward and backward, a multiplication and an addition "
    "being two, as if nothing were shared or kept"
)
AtCost = dict[tuple[int, str], tuple[float, Array, Array]]


@dataclass(frozen=True)
class Cost:
    """Something that training takes.

    Attributes:
        metric: its name among the metrics of a run.
        before: the column of the runs that has what training until the first growth took.
        name: as people say it.
        key: as columns of a table's data are called.
    """

    metric: str
    before: str
    name: str
    key: str

    @property
    def measure(self) -> Measure:
        """How it is read."""
        return measure_of(self.metric)


SECONDS = Cost("cost/seconds", TRUNK_SECONDS, "seconds", "seconds")
FLOPS = Cost("cost/flops", TRUNK_FLOPS, "operations", "flops")


def at_costs(data: StudyData, measure: Measure) -> dict[Cost, AtCost]:
    """Return `at_cost` of seconds and of operations."""
    return {cost: at_cost(data, measure, cost) for cost in (SECONDS, FLOPS)}


def at_cost(data: StudyData, measure: Measure, cost: Cost) -> AtCost:
    """Return, by configuration and arm, the cost in all, a grid of costs, and the validation metric there.

    Only configurations whose runs completed under every arm that has any; means over seeds. Nothing if the cost is not
    known.
    """
    name = f"val/{measure.metric.removeprefix('test/')}"
    runs = data.runs[data.runs["status"] == "completed"]
    if cost.metric not in runs:
        return {}
    courses = _courses(data.curves[data.curves["name"] == name])
    runs = runs[pd.MultiIndex.from_frame(runs[RUN]).isin(list(courses)) & (runs[cost.metric] > 0)]
    under = runs.groupby("trial")["arm"].transform("nunique")
    runs = runs[under == runs["arm"].nunique()]
    parts = {(int(part["trial"].iloc[0]), str(part["arm"].iloc[0])): part for _, part in runs.groupby(["trial", "arm"])}
    ends = {key: float(part[cost.metric].mean()) for key, part in parts.items()}
    grid = np.linspace(0, max(ends.values(), default=0.0), POINTS)
    found: AtCost = {}
    needed = [name for name in (*RUN, "growth_step", cost.metric, cost.before) if name in runs]
    for key, part in parts.items():
        costs = np.append(grid[grid < ends[key]], ends[key])
        values = [
            _course_at(costs / ends[key], row, courses[row["trial"], row["arm"], row["seed"]], cost)
            for row in part[needed].to_dict("records")
        ]
        found[key] = ends[key], costs, np.mean(values, axis=0)
    return found


def _courses(series: pd.DataFrame) -> dict[tuple[int, str, int], tuple[Array, Array]]:
    # At the growth a run is evaluated twice; the second time with all its classes.
    series = series[np.isfinite(series["value"])].drop_duplicates([*RUN, "step"], keep="last")
    return {
        (int(trial), str(arm), int(seed)): (part["step"].to_numpy(np.float64), part["value"].to_numpy(np.float64))
        for (trial, arm, seed), part in series.groupby(RUN, observed=True)
    }


def _course_at(shares: Array, run: dict[Any, Any], course: tuple[Array, Array], cost: Cost) -> Array:
    """Return the metric of a run after `shares` of its own cost, so that seeds are set at equal progress."""
    steps, values = course
    total, before = run[cost.metric], run.get(cost.before, np.nan)
    spent = spent_at(steps, last=float(steps[-1]), total=total, growth=run["growth_step"], before=before)
    found: Array = np.interp(shares * total, spent, values)
    return found


def spent_at(steps: Array, *, last: float, total: float, growth: float, before: float) -> Array:
    """Return the cost of a run's first so many `steps`, of `last` that cost `total`.

    Steps before and after the first growth, at step `growth` after a cost of `before`, cost different amounts each; if
    it is not known how much, or there was none, all steps cost the same.
    """
    if np.isfinite(growth) and np.isfinite(before):
        return np.interp(steps, [0.0, growth, last], [0.0, before, total])
    return np.interp(steps, [0.0, last], [0.0, total])

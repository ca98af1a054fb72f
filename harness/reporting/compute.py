"""Accuracy at equal cost: what each arm had reached after the same seconds, not after the same updates."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.reporting.exhibit import Exhibit, rendered
from harness.reporting.figures.course import CourseData, draw_course
from harness.reporting.figures.style import in_unit
from harness.reporting.measures import Measure
from harness.reporting.pairing import Comparison
from harness.reporting.statistics import mean_estimate
from harness.reporting.study_data import TRUNK_SECONDS, StudyData
from harness.reporting.table import Table, table_of_numbers
from harness.reporting.wording import NOTHING, count, listed, number

__all__ = ["AtCost", "at_cost", "compute_exhibit", "equal_cost_table", "seconds_at"]

SECONDS = "cost/seconds"
POINTS = 80
Array = NDArray[np.float64]
AtCost = dict[tuple[int, str], tuple[float, Array, Array]]


def seconds_at(steps: Array, *, last: float, total: float, growth: float, before: float) -> Array:
    """Return the seconds of training by which a run had made so many `steps`, of `last` in `total` seconds.

    Steps before and after the first growth, at step `growth` after `before` seconds, take different time each; if it is
    not known how much, or there was none, all steps take the same.
    """
    if np.isfinite(growth) and np.isfinite(before):
        return np.interp(steps, [0.0, growth, last], [0.0, before, total])
    return np.interp(steps, [0.0, last], [0.0, total])


def at_cost(data: StudyData, measure: Measure) -> AtCost:
    """Return, by configuration and arm, the seconds in all, a grid of seconds, and the validation metric there.

    Only configurations whose runs completed under every arm that has any; means over seeds.
    """
    name = f"val/{measure.metric.removeprefix('test/')}"
    runs = data.runs[data.runs["status"] == "completed"]
    if SECONDS not in runs:
        return {}
    courses = _courses(data.curves[data.curves["name"] == name])
    runs = runs[runs["run_id"].isin(list(courses)) & (runs[SECONDS] > 0)]
    under = runs.groupby("trial")["arm"].transform("nunique")
    runs = runs[under == runs["arm"].nunique()]
    parts = {(int(part["trial"].iloc[0]), str(part["arm"].iloc[0])): part for _, part in runs.groupby(["trial", "arm"])}
    ends = {key: float(part[SECONDS].mean()) for key, part in parts.items()}
    grid = np.linspace(0, max(ends.values(), default=0.0), POINTS)
    found: AtCost = {}
    for key, part in parts.items():
        times = np.append(grid[grid < ends[key]], ends[key])
        values = [_course_at(times / ends[key], row, courses[row["run_id"]]) for row in part.to_dict("records")]
        found[key] = ends[key], times, np.mean(values, axis=0)
    return found


def _courses(series: pd.DataFrame) -> dict[str, tuple[Array, Array]]:
    # At the growth a run is evaluated twice; the second time with all its classes.
    series = series[np.isfinite(series["value"])].drop_duplicates(["run_id", "step"], keep="last")
    return {
        str(run): (part["step"].to_numpy(np.float64), part["value"].to_numpy(np.float64))
        for run, part in series.groupby("run_id", observed=True)
    }


def _course_at(shares: Array, run: dict[Any, Any], course: tuple[Array, Array]) -> Array:
    """Return the metric of a run after `shares` of its own seconds, so that seeds are set at equal progress."""
    steps, values = course
    spent = seconds_at(
        steps,
        last=float(steps[-1]),
        total=run[SECONDS],
        growth=run["growth_step"],
        before=run.get(TRUNK_SECONDS, np.nan),
    )
    found: Array = np.interp(shares * run[SECONDS], spent, values)
    return found


def compute_exhibit(data: StudyData, measure: Measure) -> Exhibit | None:
    """Show the validation metric of every arm by seconds of training."""
    found = at_cost(data, measure)
    arms = [arm for arm in data.arms if any(arm == key[1] for key in found)]
    if len(arms) < 2:
        return None
    rows = [
        {"arm": arm, "trial": trial, "grown": False, "offset": time, "value": value * measure.factor}
        for (trial, arm), (total, times, values) in found.items()
        for time, value in zip(times[times < total], values, strict=False)
    ]
    points = pd.DataFrame(rows)
    grouped = points.groupby(["arm", "grown", "offset"])["value"].agg(["mean", "size"]).reset_index()
    amounts = points.groupby("arm")["trial"].nunique()
    means = grouped[grouped["size"] == grouped["arm"].map(amounts)].rename(columns={"mean": "value"})
    shown = data.measure(f"val/{measure.metric.removeprefix('test/')}")
    up = shown.title + in_unit(shown.level_unit)
    drawn = CourseData(points.iloc[:0], means, arms, "seconds of training", up, at_growth=False)
    seconds = {arm: np.mean([total for (_, own), (total, _, _) in found.items() if own == arm]) for arm in arms}
    told = listed([f"{arm} {number(float(seconds[arm]), 1)} s" for arm in arms])
    return Exhibit(
        name="equal_compute",
        title="Every arm at equal seconds",
        caption=(
            f"{shown.title[:1].upper() + shown.title[1:]} by seconds of training: means over "
            f"{count(int(amounts.max()), 'configuration')} that completed under every arm, after means over seeds, as "
            f"far as all of them train. In all, on average: {told}. Seconds are those of the machine that trained, "
            f"evaluations included, what arms share is counted for each; steps before and after the growth are "
            f"taken to be equally long each."
        ),
        alt=f"Seconds in all: {told}.",
        **rendered(lambda: draw_course(drawn)),
        data=means.drop(columns=["grown", "size"]).rename(columns={"offset": "seconds"}),
    )


def equal_cost_table(data: StudyData, comparison: Comparison, measure: Measure) -> Table | None:
    """Set the arms beside each other after equal updates, and after as many seconds as the cheapest of them takes."""
    found = at_cost(data, measure)
    if not found:
        return None
    least = {trial: min(total for (own, _), (total, _, _) in found.items() if own == trial) for trial, _ in found}
    records = [
        {
            "trial": trial,
            "arm": arm,
            "seconds": total,
            "least_seconds": least[trial],
            "at_equal_updates": float(values[-1]),
            "at_equal_seconds": float(np.interp(least[trial], times, values)),
        }
        for (trial, arm), (total, times, values) in found.items()
    ]
    frame = pd.DataFrame(records)
    arms = [arm for arm in data.arms if arm in set(frame["arm"])]
    shown = data.measure(f"val/{measure.metric.removeprefix('test/')}")
    rows = [_row(arm, frame[frame["arm"] == arm], shown) for arm in arms]
    if {comparison.first, comparison.second} <= set(arms):
        rows.append(_difference(frame, comparison, shown))
    note = (
        f"{shown.title[:1].upper() + shown.title[1:]}: test data are not looked at before the end. Equal seconds: in "
        f"each configuration those of the arm that took least. Operations of whole networks are not recorded, so "
        f"that there is no view at equal operations. The interval is a 95 % t interval, exploratory."
    )
    return table_of_numbers("equal_cost", "At equal updates, and at equal seconds", rows, frame, note=note)


def _row(arm: str, part: pd.DataFrame, measure: Measure) -> dict[str, str]:
    return {
        "arm": arm,
        f"at equal updates{in_unit(measure.level_unit)}": measure.level(part["at_equal_updates"].mean()),
        f"at equal seconds{in_unit(measure.level_unit)}": measure.level(part["at_equal_seconds"].mean()),
        "its seconds in all": number(part["seconds"].mean(), 1),
        "configurations": str(len(part)),
    }


def _difference(frame: pd.DataFrame, comparison: Comparison, measure: Measure) -> dict[str, str]:
    sides = [frame[frame["arm"] == arm].set_index("trial") for arm in (comparison.first, comparison.second)]
    told = []
    for column in ("at_equal_updates", "at_equal_seconds"):
        mean = mean_estimate((sides[0][column] - sides[1][column]).tolist())
        ends = [measure.difference(end) for end in (mean.interval.low, mean.interval.high)] if mean.interval else []
        told.append(f"{measure.difference(mean.mean)} ({' to '.join(ends) or NOTHING})")
    return {
        "arm": f"{comparison.first} minus {comparison.second}",
        f"at equal updates{in_unit(measure.level_unit)}": told[0],
        f"at equal seconds{in_unit(measure.level_unit)}": told[1],
        "its seconds in all": number((sides[0]["seconds"] - sides[1]["seconds"]).mean(), 1),
        "configurations": str(len(sides[0])),
    }

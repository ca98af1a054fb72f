"""The arms after equal updates, and after as much as the cheapest of them takes."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from harness.reporting.analysis.equal_cost import FLOPS, OPERATIONS, SECONDS, AtCost, Cost
from harness.reporting.analysis.pairing import Comparison
from harness.reporting.context import ReportContext
from harness.reporting.data.measures import Measure
from harness.reporting.data.wording import NOTHING, in_unit, number
from harness.reporting.statistics import mean_estimate
from harness.reporting.tables._base import ReportTable, table_of_numbers

__all__ = ["equal_cost_table"]

UNTOLD = "Operations of whole networks are not recorded, so that there is no view at equal operations. "


def equal_cost_table(context: ReportContext) -> ReportTable | None:
    """Set the arms beside each other after equal updates, and after as much as the cheapest of them takes."""
    data, comparison, measure, spent = context.data, context.comparison, context.measure, context.costs
    parts = {cost: _frame(found, cost) for cost, found in spent.items()}
    costs = [cost for cost, part in parts.items() if len(part)]
    if not costs:
        return None
    keys = ["trial", "arm", "at_equal_updates"]
    frame = parts[costs[0]]
    for cost in costs[1:]:
        frame = frame.merge(parts[cost].drop(columns=keys[2:]), on=keys[:2])
    arms = [arm for arm in data.arms if arm in set(frame["arm"])]
    shown = data.measure(f"val/{measure.metric.removeprefix('test/')}")
    rows = [_row(arm, frame[frame["arm"] == arm], shown, costs) for arm in arms]
    if {comparison.first, comparison.second} <= set(arms):
        rows.append(_difference(frame, comparison, shown, costs))
    equal = " or ".join(cost.name for cost in costs)
    note = (
        f"{shown.title[:1].upper() + shown.title[1:]}: test data are not looked at before the end. "
        f"Equal {equal}: in each configuration those of the arm that took least. "
        f"{f'Operations are {OPERATIONS}. ' if FLOPS in costs else UNTOLD}"
        f"The interval is a 95 % t interval, exploratory."
    )
    title = f"At equal updates, and at equal {equal}"
    return table_of_numbers("equal_cost", title, rows, frame, note=note)


def _frame(found: AtCost, cost: Cost) -> pd.DataFrame:
    least = {trial: min(total for (own, _), (total, _, _) in found.items() if own == trial) for trial, _ in found}
    return pd.DataFrame(
        {
            "trial": trial,
            "arm": arm,
            cost.key: total,
            f"least_{cost.key}": least[trial],
            "at_equal_updates": float(values[-1]),
            f"at_equal_{cost.key}": float(np.interp(least[trial], costs, values)),
        }
        for (trial, arm), (total, costs, values) in found.items()
    )


def _row(arm: str, part: pd.DataFrame, measure: Measure, costs: Sequence[Cost]) -> dict[str, str]:
    unit = in_unit(measure.level_unit)
    row = {"arm": arm, f"at equal updates{unit}": measure.level(part["at_equal_updates"].mean())}
    for cost in costs:
        row[f"at equal {cost.name}{unit}"] = measure.level(part[f"at_equal_{cost.key}"].mean())
    row |= {_in_all(cost): cost.measure.level(part[cost.key].mean()) for cost in costs}
    return row | {"configurations": str(len(part))}


def _difference(frame: pd.DataFrame, comparison: Comparison, measure: Measure, costs: Sequence[Cost]) -> dict[str, str]:
    first, second = (frame[frame["arm"] == arm].set_index("trial") for arm in (comparison.first, comparison.second))
    unit = in_unit(measure.level_unit)

    def told(column: str) -> str:
        mean = mean_estimate((first[column] - second[column]).tolist())
        ends = [measure.difference(end) for end in (mean.interval.low, mean.interval.high)] if mean.interval else []
        return f"{measure.difference(mean.mean)} ({' to '.join(ends) or NOTHING})"

    row = {"arm": f"{comparison.first} minus {comparison.second}", f"at equal updates{unit}": told("at_equal_updates")}
    row |= {f"at equal {cost.name}{unit}": told(f"at_equal_{cost.key}") for cost in costs}
    for cost in costs:
        apart = (first[cost.key] - second[cost.key]).mean() * cost.measure.factor
        row[_in_all(cost)] = number(apart, cost.measure.decimals)
    return row | {"configurations": str(len(first))}


def _in_all(cost: Cost) -> str:
    unit = "" if cost is SECONDS else in_unit(cost.measure.unit)
    return f"its {cost.name} in all{unit}"

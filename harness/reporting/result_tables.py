"""Tables of the results: the primary comparison, all outcomes, the sensitivity of the answer, every run."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from harness.reporting.measures import POINTS, Measure, measure_of
from harness.reporting.pairing import Comparison, compare
from harness.reporting.study_data import PARAM, StudyData
from harness.reporting.table import Table, table_of_numbers
from harness.reporting.wording import number, setting

__all__ = ["growths_table", "outcomes_table", "primary_table", "runs_table", "sensitivity_table"]

OUTCOMES = ("known_before_growth", "known_after_growth", "forgetting")
ANSWERS = ("test/accuracy/", "test/rmse/", "test/mae/", "test/accuracy_within/mean", "test/accuracy_by_arrival/mean")
MOST_RUNS = 1000  # that a page lists
COSTS = ("cost/seconds", "cost/steps", "growth/parameters_added")


def primary_table(comparison: Comparison, measure: Measure) -> Table:
    """Give both arms and their paired difference on the primary metric."""
    configurations, mean = comparison.configurations, comparison.mean
    levels = ((comparison.first, "first"), (comparison.second, "second"))
    records: list[dict[str, Any]] = [
        {
            "row": arm,
            "mean": _mean(configurations[role]),
            "sd": _sd(configurations[role]),
            "low": np.nan,
            "high": np.nan,
        }
        for arm, role in levels
    ]
    low, high = (mean.interval.low, mean.interval.high) if mean.interval else (np.nan, np.nan)
    name = f"{comparison.first} minus {comparison.second}"
    records.append({"row": name, "mean": mean.mean, "sd": mean.sd, "low": low, "high": high})
    frame = pd.DataFrame(records).assign(configurations=mean.units, pairs=len(comparison.pairs), df=mean.df)
    write = (measure.level, measure.level, measure.difference)
    rows = [
        {
            "": str(record["row"]),
            f"mean ({measure.level_unit})": shown(record["mean"]),
            "SD between configurations": measure.level(record["sd"]),
            "95 % interval": _interval(measure, record["low"], record["high"]),
            "configurations": str(mean.units),
            "pairs of runs": str(len(comparison.pairs)),
        }
        for record, shown in zip(records, write, strict=True)
    ]
    unit = measure.unit or "stored units"
    note = f"Interval: t with {mean.df} degrees of freedom, over configurations. Difference in {unit}."
    return table_of_numbers(
        "primary", measure.title[:1].upper() + measure.title[1:], rows, frame, note=note if mean.interval else ""
    )


def outcomes_table(data: StudyData, comparison: Comparison) -> Table:
    """Give every arm's outcomes and cost, with the paired differences."""
    rows, records = [], []
    for metric in _outcome_metrics(data):
        paired = compare(data.runs, comparison.first, comparison.second, metric)
        measure, interval = measure_of(metric), paired.mean.interval
        values = {
            comparison.first: paired.configurations["first"],
            comparison.second: paired.configurations["second"],
            **{arm: _of_arm(data, arm, metric) for arm in data.arms[2:]},
        }
        low, high = (interval.low, interval.high) if interval else (np.nan, np.nan)
        row = {"outcome": measure.title.removeprefix("test "), "unit": measure.level_unit}
        row |= {f"{arm}, mean ± SD": _spread(measure, found) for arm, found in values.items()}
        row["difference"] = measure.difference(paired.mean.mean)
        row["95 % interval"] = _interval(measure, low, high)
        rows.append(row)
        means = {
            f"{what} {arm}": of(found) for arm, found in values.items() for what, of in (("mean", _mean), ("sd", _sd))
        }
        records.append(
            {
                "metric": metric,
                **means,
                "difference": paired.mean.mean,
                "low": low,
                "high": high,
                "configurations": paired.mean.units,
            }
        )
    note = (
        f"Means over configurations. Differences are {comparison.first} minus {comparison.second}; their intervals are "
        "exploratory and not adjusted for their number."
    )
    return table_of_numbers("outcomes", "What each arm came to", rows, pd.DataFrame(records), left=2, note=note)


def _outcome_metrics(data: StudyData) -> list[str]:
    heads = sorted(name for name in data.metrics if name.startswith(ANSWERS))
    heads.sort(key=lambda name: (name != "test/accuracy/all", name != "test/accuracy/known"))
    # The accuracy on the known classes at the end would otherwise stand there twice.
    told = {"test/accuracy/known"} if "test/known_after_growth" in data.metrics else set()
    wanted = [f"test/{data.study.spec['metric']}", *heads, *(f"test/{name}" for name in OUTCOMES), *COSTS]
    found = [name for name in dict.fromkeys(wanted) if name in data.metrics and name not in told]
    return _without_repeats(data, found)


def _without_repeats(data: StudyData, metrics: list[str]) -> list[str]:
    """Leave out answers that say of every run what one before says: with a single head, several accuracies do."""
    seen: set[bytes] = set()
    kept = []
    for name in metrics:
        values = data.runs[name].to_numpy(np.float64).tobytes()
        if not name.startswith(ANSWERS) or values not in seen:
            kept.append(name)
        seen.add(values)
    return kept


def _of_arm(data: StudyData, arm: str, metric: str) -> pd.Series:
    chosen = data.runs[(data.runs["arm"] == arm) & (data.runs["status"] == "completed")]
    return chosen.groupby("trial")[metric].mean().dropna()


def growths_table(data: StudyData) -> Table:
    """Say what the growths themselves did to function and size, before any further update."""
    found = data.curves[data.curves["name"].str.startswith("growth/")]
    grouped = found.groupby("name", observed=True)["value"].agg(["size", "mean", "min", "max"]).reset_index()
    rows = [
        {
            "measured at the growth": str(row["name"]).removeprefix("growth/").replace("_", " "),
            "growths": f"{row['size']:,}",
            **{what: number(row[of], 4) for what, of in (("mean", "mean"), ("smallest", "min"), ("largest", "max"))},
        }
        for row in grouped.to_dict("records")
    ]
    note = "Before and after are on the same batch, on either side of the growth, with no update between them."
    return table_of_numbers("growths", "What the growth itself did", rows, grouped, note=note)


def sensitivity_table(data: StudyData, comparison: Comparison, measure: Measure) -> Table:
    """Set the primary estimate beside those that weigh the configurations otherwise."""
    mean, shift = comparison.mean, comparison.shift
    left_out = comparison.leave_one_out
    ends = [(found.low, found.high) if found else (np.nan, np.nan) for found in (mean.interval, shift.interval)]
    exact = f", exact Wilcoxon interval at {number(100 * shift.interval.level, 1)} %" if shift.interval else ""
    records: list[dict[str, Any]] = [
        {"estimate": "mean, t interval at 95 %", "value": mean.mean, "low": ends[0][0], "high": ends[0][1]},
        {"estimate": f"Hodges-Lehmann{exact}", "value": shift.shift, "low": ends[1][0], "high": ends[1][1]},
    ]
    if comparison.imputed:
        completed = compare(data.runs, comparison.first, comparison.second, comparison.metric).mean
        low, high = (completed.interval.low, completed.interval.high) if completed.interval else (np.nan, np.nan)
        records.append({"estimate": "mean, completed runs only", "value": completed.mean, "low": low, "high": high})
    if left_out:
        name = "mean, lowest and highest without any one configuration"
        records.append({"estimate": name, "value": mean.mean, "low": left_out[0], "high": left_out[1]})
    rows = [
        {
            "estimate": str(record["estimate"]),
            f"difference ({measure.unit})": measure.difference(record["value"]),
            "from, to": _interval(measure, record["low"], record["high"]),
        }
        for record in records
    ]
    return table_of_numbers("sensitivity", "Does the answer depend on the method?", rows, pd.DataFrame(records))


def runs_table(data: StudyData, measure: Measure) -> Table:
    """List every run that has ended."""
    metrics = [name for name in dict.fromkeys([measure.metric, *_outcome_metrics(data)]) if name in data.metrics]
    shown = [name for name in metrics if name not in ("cost/steps", "growth/parameters_added")]
    measures = [measure_of(name) for name in shown]
    rows = []
    for record in data.runs.head(MOST_RUNS).to_dict("records"):
        row = {"trial": str(record["trial"])}
        row |= {label: setting(record[PARAM + label]) for label in data.labels}
        row |= {"arm": record["arm"], "seed": str(record["seed"]), "status": record["status"]}
        row |= {"growth at step": number(record["growth_step"], 0)}
        row |= {_head(found): found.level(record[found.metric]) for found in measures}
        rows.append(row | {"run": str(record["run_id"])[:12]})
    note = "Accuracies are those on the test split, at the end unless said otherwise."
    if len(data.runs) > MOST_RUNS:
        note += f" These are the first {MOST_RUNS:,} of {len(data.runs):,} runs; tables/runs.csv has all."
    return table_of_numbers(
        "runs", "Runs that have ended", rows, data.runs.drop(columns="config"), left=len(data.labels) + 4, note=note
    )


def _head(measure: Measure) -> str:
    unit = "points" if measure.level_unit == POINTS else measure.level_unit
    return f"{measure.short} ({unit})" if unit else measure.short


def _mean(values: pd.Series) -> float:
    return float(values.mean()) if len(values) else np.nan


def _sd(values: pd.Series) -> float:
    return float(values.std()) if len(values) > 1 else np.nan


def _spread(measure: Measure, values: pd.Series) -> str:
    spread: Callable[[float], str] = measure.level
    return f"{spread(_mean(values))} ± {spread(_sd(values))}" if len(values) > 1 else spread(_mean(values))


def _interval(measure: Measure, low: float, high: float) -> str:
    return f"{measure.difference(low)} to {measure.difference(high)}" if np.isfinite(low) else "\N{EN DASH}"

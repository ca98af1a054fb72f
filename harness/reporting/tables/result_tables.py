"""Tables of the results: the primary comparison, all outcomes, every run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from harness.reporting.analysis.pairing import Comparison, compare
from harness.reporting.data.measures import POINTS, Measure
from harness.reporting.data.missing_results import failure_value, results_of
from harness.reporting.data.study_data import PARAM, StudyData
from harness.reporting.data.wording import number, p_value, setting
from harness.reporting.statistics import interquartile_mean
from harness.reporting.tables._base import Table, table_of_numbers

__all__ = ["growths_table", "outcomes_table", "primary_table", "runs_table"]

OUTCOMES = ("known_before_growth", "known_after_growth", "forgetting")
ANSWERS = ("test/accuracy/", "test/rmse/", "test/mae/", "test/accuracy_within/mean", "test/accuracy_by_arrival/mean")
MOST_RUNS = 1000  # that a page lists
GUESSED, COMPLETED = "completed or diverged", "completed"
COSTS = ("cost/seconds", "cost/flops", "cost/steps", "growth/parameters_added")


def primary_table(comparison: Comparison, measure: Measure) -> Table:
    """Give both arms and their paired difference on the primary metric."""
    configurations, mean = comparison.configurations, comparison.mean
    levels = ((comparison.first, "first"), (comparison.second, "second"))
    records: list[dict[str, Any]] = [
        {
            "row": arm,
            "mean": _mean(configurations[role]),
            "sd": _sd(configurations[role]),
            "iqm": interquartile_mean(configurations[role].tolist()).mean,
            "low": np.nan,
            "high": np.nan,
        }
        for arm, role in levels
    ]
    low, high = (mean.interval.low, mean.interval.high) if mean.interval else (np.nan, np.nan)
    name = f"{comparison.first} minus {comparison.second}"
    iqm = interquartile_mean(configurations["difference"].tolist()).mean
    tests = {"p": mean.p, "standardized": mean.standardized, "share_positive": comparison.share_positive}
    records.append({"row": name, "mean": mean.mean, "sd": mean.sd, "iqm": iqm, "low": low, "high": high, **tests})
    frame = pd.DataFrame(records).assign(configurations=mean.units, pairs=len(comparison.pairs), df=mean.df)
    write = (measure.level, measure.level, measure.difference)
    rows = [
        {
            "": str(record["row"]),
            f"mean ({measure.level_unit})": shown(record["mean"]),
            "SD between configurations": measure.level(record["sd"]),
            "interquartile mean": shown(record["iqm"]),
            "95 % interval": _interval(measure, record["low"], record["high"]),
            "configurations": str(mean.units),
            "pairs of runs": str(len(comparison.pairs)),
        }
        for record, shown in zip(records, write, strict=True)
    ]
    unit = measure.unit or "stored units"
    note = (
        f"Interval: t with {mean.df} degrees of freedom, over configurations; two-sided p: {p_value(mean.p)}. "
        f"Difference in {unit}; it is {number(mean.standardized, 2)} standard deviations between configurations (dz)."
    )
    return table_of_numbers(
        "primary", measure.title[:1].upper() + measure.title[1:], rows, frame, note=note if mean.interval else ""
    )


def outcomes_table(data: StudyData, comparison: Comparison) -> Table:
    """Give every arm's outcomes and cost, with the paired differences.

    Where diverged runs have a value, an outcome stands there twice: with them, and of completed runs only.
    """
    found = [outcome for metric in _outcome_metrics(data) for outcome in _outcomes(data, comparison, metric)]
    guessed = (
        " Where runs diverged, accuracies stand there twice: with such runs as guesses, and of completed runs only."
        if any(outcome.counted == GUESSED for outcome in found)
        else ""
    )
    note = (
        f"Means over configurations. Differences are {comparison.first} minus {comparison.second}; their intervals are "
        f"exploratory and not adjusted for their number.{guessed}"
    )
    rows, frame = [_row(outcome) for outcome in found], pd.DataFrame([_record(outcome) for outcome in found])
    return table_of_numbers("outcomes", "What each arm came to", rows, frame, left=2, note=note)


@dataclass(frozen=True)
class _Outcome:
    """One row: the levels of every arm by configuration, and which runs count."""

    paired: Comparison
    measure: Measure
    levels: dict[str, pd.Series]
    counted: str


def _outcomes(data: StudyData, comparison: Comparison, metric: str) -> list[_Outcome]:
    guess = failure_value(data.study.spec, metric)
    treated = compare(data.runs, comparison.first, comparison.second, metric, failure_value=guess)
    completed = compare(data.runs, comparison.first, comparison.second, metric)
    found = [_Outcome(completed, data.measure(metric), _by_arm(data, completed), COMPLETED)]
    if treated.imputed:
        found.insert(0, _Outcome(treated, data.measure(metric), _by_arm(data, treated), GUESSED))
    return found


def _by_arm(data: StudyData, paired: Comparison) -> dict[str, pd.Series]:
    values = {paired.first: paired.configurations["first"], paired.second: paired.configurations["second"]}
    results = results_of(data.runs, paired.metric, paired.failure_value)
    frame = pd.DataFrame({"trial": data.runs["trial"], "arm": data.runs["arm"], "value": results}).dropna()
    return values | {arm: frame[frame["arm"] == arm].groupby("trial")["value"].mean() for arm in data.arms[2:]}


def _row(outcome: _Outcome) -> dict[str, str]:
    paired, measure = outcome.paired, outcome.measure
    low, high = (paired.mean.interval.low, paired.mean.interval.high) if paired.mean.interval else (np.nan, np.nan)
    guessed = ", diverged runs as guesses" if outcome.counted == GUESSED else ""
    row = {"outcome": measure.title.removeprefix("test ") + guessed, "unit": measure.level_unit}
    row |= {f"{arm}, mean ± SD": _spread(measure, found) for arm, found in outcome.levels.items()}
    return row | {
        "difference": measure.difference(paired.mean.mean),
        "95 % interval": _interval(measure, low, high),
    }


def _record(outcome: _Outcome) -> dict[str, Any]:
    mean = outcome.paired.mean
    low, high = (mean.interval.low, mean.interval.high) if mean.interval else (np.nan, np.nan)
    means = {
        f"{what} {arm}": of(found)
        for arm, found in outcome.levels.items()
        for what, of in (("mean", _mean), ("sd", _sd))
    }
    ends = {"difference": mean.mean, "low": low, "high": high, "configurations": mean.units}
    return {"metric": outcome.paired.metric, "runs": outcome.counted, **means, **ends}


def _outcome_metrics(data: StudyData) -> list[str]:
    heads = sorted(name for name in data.metrics if name.startswith(ANSWERS))
    heads.sort(key=lambda name: (name != "test/accuracy/all", name != "test/accuracy/known"))
    # The accuracy on the known classes at the end would otherwise stand there twice.
    told = {"test/accuracy/known"} if "test/known_after_growth" in data.metrics else set()
    wanted = [f"test/{data.study.spec.metric}", *heads, *(f"test/{name}" for name in OUTCOMES), *COSTS]
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


def growths_table(data: StudyData) -> Table:
    """Say what the growths themselves did to function and size, before any further update."""
    found = data.curves[data.curves["name"].str.startswith("growth/")]
    grouped = found.groupby("name", observed=True)["value"].agg(["size", "mean", "min", "max"]).reset_index()
    rows = [
        {
            "measured at the growth": str(row["name"]).removeprefix("growth/").replace("_", " "),
            "growths": f"{row['size']:,}",
            **{
                what: number(row[of], 0 if str(row["name"]).endswith("_added") else 4)  # those are counts
                for what, of in (("mean", "mean"), ("smallest", "min"), ("largest", "max"))
            },
        }
        for row in grouped.to_dict("records")
    ]
    note = "Before and after are on the same batch, on either side of the growth, with no update between them."
    return table_of_numbers("growths", "What the growth itself did", rows, grouped, note=note)


def runs_table(data: StudyData, measure: Measure) -> Table:
    """List every run that has ended."""
    metrics = [name for name in dict.fromkeys([measure.metric, *_outcome_metrics(data)]) if name in data.metrics]
    shown = [name for name in metrics if name not in ("cost/steps", "growth/parameters_added")]
    measures = [data.measure(name) for name in shown]
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

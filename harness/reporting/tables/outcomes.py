"""Every arm's outcomes and cost, with the paired differences."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from harness.reporting.analysis.pairing import Comparison, compare
from harness.reporting.context import ReportContext
from harness.reporting.data.measures import Measure
from harness.reporting.data.missing_results import failure_value, results_of
from harness.reporting.data.study_data import StudyData
from harness.reporting.tables._base import ReportTable, table_of_numbers
from harness.reporting.tables._cells import interval_of, mean_of, sd_of
from harness.reporting.tables._outcomes import outcome_metrics

__all__ = ["outcomes_table"]

GUESSED, COMPLETED = "completed or diverged", "completed"


@dataclass(frozen=True)
class _Outcome:
    """One row: the levels of every arm by configuration, and which runs count."""

    paired: Comparison
    measure: Measure
    levels: dict[str, pd.Series]
    counted: str


def outcomes_table(context: ReportContext) -> ReportTable | None:
    """Give every arm's outcomes and cost, with the paired differences.

    Where diverged runs have a value, an outcome stands there twice: with them, and of completed runs only.
    """
    data, comparison = context.data, context.comparison
    found = [outcome for metric in outcome_metrics(data) for outcome in _outcomes(data, comparison, metric)]
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
        "95 % interval": interval_of(measure, low, high),
    }


def _record(outcome: _Outcome) -> dict[str, Any]:
    mean = outcome.paired.mean
    low, high = (mean.interval.low, mean.interval.high) if mean.interval else (np.nan, np.nan)
    means = {
        f"{what} {arm}": of(found)
        for arm, found in outcome.levels.items()
        for what, of in (("mean", mean_of), ("sd", sd_of))
    }
    ends = {"difference": mean.mean, "low": low, "high": high, "configurations": mean.units}
    return {"metric": outcome.paired.metric, "runs": outcome.counted, **means, **ends}


def _spread(measure: Measure, values: pd.Series) -> str:
    spread: Callable[[float], str] = measure.level
    return f"{spread(mean_of(values))} ± {spread(sd_of(values))}" if len(values) > 1 else spread(mean_of(values))

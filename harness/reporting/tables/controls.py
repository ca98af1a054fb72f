"""The paired difference of the compared arms to each of the others."""

from typing import Any

import numpy as np
import pandas as pd

from harness.reporting.analysis.pairing import Comparison, compare
from harness.reporting.context import ReportContext
from harness.reporting.data.measures import Measure
from harness.reporting.data.study_data import StudyData
from harness.reporting.data.wording import NOTHING, count, in_unit
from harness.reporting.statistics import interquartile_mean
from harness.reporting.tables._base import ReportTable, table_of_numbers

__all__ = ["controls_table"]


def controls_table(context: ReportContext) -> ReportTable | None:
    """Give the paired difference of the compared arms to each of the others, or None where there are none."""
    data, comparison, measure = context.data, context.comparison, context.measure
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

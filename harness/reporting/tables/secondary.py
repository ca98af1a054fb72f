"""The declared secondary endpoints, with p values that bear their number."""

from typing import Any

import numpy as np
import pandas as pd

from harness.reporting.analysis.secondary import Endpoint, secondary_endpoints
from harness.reporting.context import ReportContext
from harness.reporting.data.measures import Measure
from harness.reporting.data.wording import NOTHING, p_value
from harness.reporting.tables._base import ReportTable, table_of_numbers

__all__ = ["secondary_table"]


def secondary_table(context: ReportContext) -> ReportTable | None:
    """Return the table, or none for a study that declares no secondary endpoints."""
    data, comparison = context.data, context.comparison
    metrics = [f"test/{metric}" for metric in data.study.spec.secondary]
    endpoints = secondary_endpoints(data.runs, comparison.first, comparison.second, metrics)
    if not endpoints:
        return None
    frame = pd.DataFrame([_record(endpoint) for endpoint in endpoints])
    note = (
        f"Differences are {comparison.first} minus {comparison.second}, means over configurations, runs that diverged "
        "left out. Each interval is for its endpoint alone; p is adjusted after Holm for all endpoints of this table."
    )
    rows = [_row(endpoint, data.measure(endpoint.comparison.metric)) for endpoint in endpoints]
    return table_of_numbers("secondary", "Declared secondary endpoints", rows, frame, left=2, note=note)


def _record(endpoint: Endpoint) -> dict[str, Any]:
    mean = endpoint.comparison.mean
    low, high = (mean.interval.low, mean.interval.high) if mean.interval else (np.nan, np.nan)
    return {
        "metric": endpoint.comparison.metric,
        "difference": mean.mean,
        "low": low,
        "high": high,
        "configurations": mean.units,
        "p": mean.p,
        "p_adjusted": endpoint.p_adjusted,
        "differs": endpoint.differs,
    }


def _row(endpoint: Endpoint, measure: Measure) -> dict[str, str]:
    mean = endpoint.comparison.mean
    ends = [measure.difference(end) for end in (mean.interval.low, mean.interval.high)] if mean.interval else []
    return {
        "endpoint": measure.title,
        "unit": measure.unit,
        "difference": measure.difference(mean.mean),
        "95 % interval": " to ".join(ends) or NOTHING,
        "configurations": str(mean.units),
        "p, adjusted": p_value(endpoint.p_adjusted),
        "the arms differ": {True: "yes", False: "not shown"}[endpoint.differs] if mean.interval else NOTHING,
    }

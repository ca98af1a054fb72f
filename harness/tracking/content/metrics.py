"""Metrics of a run: its curves, its growths and its final results."""

import math
from typing import Any

from harness.core.history import History, Series
from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking.content.finals import finals
from harness.tracking.content.keys import metric_keys
from harness.tracking.content.points import finite

__all__ = ["run_metrics"]


def run_metrics(study: StudyRecord, record: RunRecord, history: History) -> dict[str, Series]:
    """Return the whole history, the numbers of growths that are not in it, and the final results."""
    series_by_name = {name: finite(history[name]) for name in history}
    for growth in record.growths:
        for name, value in growth.items():
            if name != "step" and f"growth/{name}" not in history and _is_number(value):
                series = series_by_name.setdefault(f"growth/{name}", Series())
                series.steps.append(growth["step"])
                series.values.append(float(value))
    for name, value in finals(study.spec.metric, record.metrics, history).items():
        series_by_name[name] = Series([0], [value])
    keys = metric_keys(sorted(name for name, series in series_by_name.items() if series.steps))
    return {key: series_by_name[name] for name, key in keys.items()}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)

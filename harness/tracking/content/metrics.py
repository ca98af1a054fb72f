"""Metrics of a run: its curves, its growths and its final results."""

import math
from dataclasses import dataclass
from typing import Any

from harness.core.history import History, Series
from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking.content.finals import finals
from harness.tracking.content.keys import metric_keys
from harness.tracking.content.points import finite
from harness.tracking.content.thinning import Thinning, TrackingPoints

__all__ = ["RunMetrics", "run_metrics"]


@dataclass(frozen=True)
class RunMetrics:
    """A run's finite values by key: all that were measured, and those of them that are shown."""

    measured: dict[str, Series]
    shown: dict[str, Series]


def run_metrics(study: StudyRecord, record: RunRecord, history: History, points: TrackingPoints) -> RunMetrics:
    """Return the history, the numbers of growths that are not in it, and the final results."""
    curves = {name: finite(history[name]) for name in history}
    others = _growths(record, history)
    others |= {name: Series([0], [value]) for name, value in finals(study.spec.metric, record.metrics, history).items()}
    keys = metric_keys(sorted(name for name, series in (curves | others).items() if series.steps))
    shown = curves if points == "all" else Thinning(record.config).shown(curves)
    measured, shown = curves | others, shown | others
    return RunMetrics(*({keys[name]: part[name] for name in keys if name in part} for part in (measured, shown)))


def _growths(record: RunRecord, history: History) -> dict[str, Series]:
    series_by_name: dict[str, Series] = {}
    for growth in record.growths:
        for name, value in growth.items():
            if name != "step" and f"growth/{name}" not in history and _is_number(value):
                series = series_by_name.setdefault(f"growth/{name}", Series())
                series.steps.append(growth["step"])
                series.values.append(float(value))
    return series_by_name


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)

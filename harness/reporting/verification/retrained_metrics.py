"""The results of a run that was trained again, against every metric of its row in the report."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.reporting.data.columns import FROZEN_AFTER, FROZEN_BEFORE, PARAM, TRUNK_FLOPS
from harness.reporting.data.measures import POINTS, measure_of

__all__ = ["TOLERANCE", "MetricDifference", "deciding_metric", "metric_differences", "other_columns"]

SECONDS = "cost/seconds"  # differs from run to run, whatever else is equal
# Beyond 1 %, of the whole range where it is a share, the deciding metric is another on any machine.
TOLERANCE = 0.01
TINY = 1e-6


@dataclass(frozen=True)
class MetricDifference:
    """A metric that retraining does not give; NaN stands for a value that is not there.

    Attributes:
        named: the specs of the metrics that the run names itself, as JSON.
    """

    name: str
    recorded: float
    found: float
    named: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name}: recorded {_value(self.recorded)}, found {_value(self.found)}"

    def is_within(self, tolerance: float | None) -> bool:
        """Whether the values are near: within `tolerance`, relative beyond one and absolute below, or `TOLERANCE`."""
        if tolerance is not None:
            return math.isclose(self.recorded, self.found, rel_tol=tolerance, abs_tol=tolerance)
        share = measure_of(self.name, named=self.named).level_unit in ("%", POINTS)
        return math.isclose(self.recorded, self.found, rel_tol=TOLERANCE, abs_tol=TOLERANCE if share else TINY)


def deciding_metric(row: Mapping[str, Any], metric: str) -> str:
    """Return the column that decides: of test data, or of validation data for a run that saw no test data.

    >>> deciding_metric({"val/accuracy/all": 0.5}, "accuracy/all")
    'val/accuracy/all'
    """
    test = f"test/{metric}"
    return test if not math.isnan(_number(row.get(test))) else f"val/{metric}"


def metric_differences(row: Mapping[str, Any], found: Mapping[str, float]) -> list[MetricDifference]:
    """Return every metric of `row` that is not the one `found`, to the bit; test metrics first.

    A metric without a column is one that the report is too old for.
    """
    names = [name for name in row if "/" in name and not name.startswith(PARAM) and name != SECONDS]
    named = _metrics_of(row)
    pairs = [MetricDifference(name, _number(row[name]), _number(found.get(name)), named) for name in names]
    apart = [pair for pair in pairs if pair.recorded.hex() != pair.found.hex()]
    return sorted(apart, key=lambda pair: not pair.name.startswith("test/"))


def other_columns(row: Mapping[str, Any], growths: Sequence[Mapping[str, Any]], frozen: Sequence[str]) -> str:
    """Say which column about the first growth, or about what was frozen, is not what was found; empty if none."""
    first = growths[0] if growths else {}
    of_growth = {"growth_step": "step", "parameters_added": "parameters_added", TRUNK_FLOPS: "flops_before"}
    for column, name in of_growth.items():
        pair = MetricDifference(column, _number(row.get(column)), _number(first.get(name)))
        if column in row and pair.recorded.hex() != pair.found.hex():
            return str(pair)
    for column, digest in zip((FROZEN_BEFORE, FROZEN_AFTER), frozen, strict=True):
        if row.get(column) and digest and row[column] != digest:
            return f"{column}: the recorded digest is not the one found"
    return ""


def _metrics_of(row: Mapping[str, Any]) -> Mapping[str, Any]:
    training = json.loads(row.get("config") or "{}").get("training") or {}
    return training.get("metrics") or {}


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _value(value: float) -> str:
    return "none" if math.isnan(value) else repr(value)

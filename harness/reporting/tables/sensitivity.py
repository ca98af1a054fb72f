"""The primary estimate beside those of other methods."""

import math
from dataclasses import asdict

import pandas as pd

from harness.reporting.analysis.pairing import Comparison
from harness.reporting.analysis.sensitivity import Companion, companions, detectable
from harness.reporting.context import ReportContext
from harness.reporting.data.measures import Measure
from harness.reporting.data.wording import NOTHING, count, p_value
from harness.reporting.tables._base import ReportTable, table_of_numbers

__all__ = ["power_sentence", "sensitivity_table"]


def sensitivity_table(context: ReportContext) -> ReportTable | None:
    """Set the primary estimate beside those that weigh the configurations otherwise."""
    data, comparison, measure = context.data, context.comparison, context.measure
    found = companions(data.runs, comparison)
    difference = f"difference ({measure.unit})" if measure.unit else "difference"
    rows = [
        {
            "estimate": companion.method,
            difference: measure.difference(companion.value),
            "from, to": _range(companion, measure),
            "p": p_value(companion.p),
            "configurations": str(companion.units),
        }
        for companion in found
    ]
    frame = pd.DataFrame([asdict(companion) for companion in found])
    note = "The first row is the planned analysis, which alone decides the verdict. " + power_sentence(
        comparison, measure
    )
    return table_of_numbers("sensitivity", "Does the answer depend on the method?", rows, frame, note=note.strip())


def power_sentence(comparison: Comparison, measure: Measure) -> str:
    """Say which difference the study could have found; empty where it has no interval."""
    smallest = detectable(comparison)
    if smallest is None:
        return ""
    return (
        f"With {count(comparison.mean.units, 'configuration')} that spread as these do, a true difference of "
        f"{measure.size(smallest)} is found in four studies of five (two-sided test at 5 %); a smaller one is missed "
        "more often."
    )


def _range(companion: Companion, measure: Measure) -> str:
    if not math.isfinite(companion.low):
        return NOTHING
    return f"{measure.difference(companion.low)} to {measure.difference(companion.high)}"

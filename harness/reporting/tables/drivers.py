"""The table of what drives the answer."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from harness.reporting.analysis.pairing import Comparison
from harness.reporting.context import ReportContext
from harness.reporting.data.measures import Measure
from harness.reporting.data.wording import NOTHING, listed, number
from harness.reporting.importance.drivers import Driver
from harness.reporting.importance.ped_anova import best_share
from harness.reporting.importance.permutation import FieldImportance, Importance
from harness.reporting.tables._base import ReportTable, table_of_numbers

__all__ = ["drivers_table"]

METHODS = ("fANOVA", "PED-ANOVA")


def drivers_table(context: ReportContext) -> ReportTable | None:
    """Return the table of what `drivers` found, or none."""
    found, comparison, measure = context.drivers, context.comparison, context.measure
    if not found:
        return None
    frame = pd.DataFrame([record for driver in found for record in _records(driver)])
    rows = [row for driver in found for row in _rows(driver, comparison, measure)]
    return table_of_numbers("drivers", "Which searched fields matter", rows, frame, left=2, note=_note(found))


def _records(driver: Driver) -> Iterator[dict[str, Any]]:
    for method, importance in zip(METHODS, (driver.variance, driver.best), strict=True):
        for field in importance.fields:
            yield {
                "target": driver.target,
                "method": method,
                "field": field.name,
                "size": field.size,
                "low": field.low,
                "high": field.high,
                "null": importance.null,
                "above_null": field.size > importance.null,
                "configurations": importance.configurations,
            }


def _rows(driver: Driver, comparison: Comparison, measure: Measure) -> Iterator[dict[str, str]]:
    what = {"difference": f"{comparison.first} minus {comparison.second}", "metric": f"{measure.short}, both arms"}
    by_divergence = {field.name: field for field in driver.best.fields}
    for field in driver.variance.fields:
        yield {
            "what varies": what[driver.target],
            "field": field.name,
            "share of variance (%)": _with_range(field, 100.0, 0),
            "best against all": _with_range(by_divergence[field.name], 1.0, 2),
            "above chance": _above(field.name, driver),
        }


def _with_range(field: FieldImportance, factor: float, decimals: int) -> str:
    size, low, high = (number(factor * value, decimals) for value in (field.size, field.low, field.high))
    return f"{size} ({low} to {high})"


def _above(name: str, driver: Driver) -> str:
    found = zip(METHODS, (driver.variance, driver.best), strict=True)
    return listed([method for method, importance in found if name in importance.named]) or NOTHING


def _note(found: tuple[Driver, ...]) -> str:
    units = found[0].variance.configurations
    chance = listed([f"{_bars(driver.variance, driver.best)} for the {driver.target}" for driver in found])
    return (
        "Share of variance: of a field by itself, in a random forest (fANOVA). Best against all: how much the field "
        f"differs between the best {number(100 * best_share(units), 0)} % of configurations and all, as a Pearson "
        "divergence (PED-ANOVA). In brackets the middle 95 % over resampled configurations, among which small "
        "divergences are larger. Above chance: more than the most important field reaches in 95 % of shuffled data, "
        f"which is {chance}. A description of {units:,} configurations, not a test."
    )


def _bars(variance: Importance, best: Importance) -> str:
    return f"{number(100 * variance.null, 0)} % and {number(best.null, 2)}"

"""The searched fields and the values they may take."""

from collections.abc import Sequence
from typing import Any

from harness.reporting.context import ReportContext
from harness.reporting.data.wording import listed, setting
from harness.reporting.tables._base import ReportTable, table_of_words
from harness.staging.study_spec import DimensionSpec

__all__ = ["search_space_table"]


def search_space_table(context: ReportContext) -> ReportTable | None:
    """List the searched fields and the values they may take."""
    data = context.data
    rows = [
        (label, dimension.field, _values(dimension))
        for label, dimension in (data.searched or data).study.spec.space.items()
    ]
    return table_of_words("search_space", "Searched fields", ("searched", "field of the run", "values"), rows)


def _values(dimension: DimensionSpec) -> str:
    conditions = [f"{name} is {_any_of(wanted)}" for name, wanted in dimension.conditions.items()]
    return _range(dimension) + (f"; only where {listed(conditions)}" if conditions else "")


def _any_of(values: Sequence[Any]) -> str:
    return " or ".join(setting(value) for value in values)


def _range(dimension: DimensionSpec) -> str:
    if dimension.kind == "present":
        return "present or not"
    if dimension.options:
        return "one of " + "; ".join(setting(option) for option in dimension.options)
    ends = f"{setting(dimension.get('low'))} to {setting(dimension.get('high'))}"
    step = dimension.get("step")
    every = step is None or (step == 1 and dimension.kind == "int")
    return (
        ends
        + (", uniform in the logarithm" if dimension.logarithmic else "")
        + ("" if every else f", in steps of {step}")
    )

"""What the report was written with."""

from harness.core.spec import flatten
from harness.reporting.context import ReportContext
from harness.reporting.tables._base import ReportTable, table_of_words

__all__ = ["environment_table"]


def environment_table(context: ReportContext) -> ReportTable | None:
    """List what the report was written with."""
    found = context.environment
    rows = [(str(name).removeprefix("packages."), str(value)) for name, value in flatten(dict(found)).items()]
    return table_of_words("environment", "What this report was written with", ("what", "version"), rows)

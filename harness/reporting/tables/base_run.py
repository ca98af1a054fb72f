"""Every field of the base run."""

from harness.core.digest import canonical_json
from harness.core.spec import flatten
from harness.reporting.context import ReportContext
from harness.reporting.tables._base import ReportTable, table_of_words

__all__ = ["base_run_table"]


def base_run_table(context: ReportContext) -> ReportTable | None:
    """List every field of the base run."""
    data = context.data
    rows = [(path, canonical_json(value)) for path, value in flatten(dict(data.study.spec.base)).items()]
    return table_of_words("base_run", "The base run", ("field", "value"), rows)

"""What each arm changes."""

from harness.reporting.context import ReportContext
from harness.reporting.data.wording import setting
from harness.reporting.tables._base import ReportTable, table_of_words

__all__ = ["arms_table"]


def arms_table(context: ReportContext) -> ReportTable | None:
    """Say what each arm changes."""
    data = context.data
    rows = []
    for arm in data.arms:
        changes = [f"{path} = {setting(value)}" for path, value in data.study.spec.arms[arm].items()]
        rows.append((arm, "; ".join(changes) or "nothing: the base run as it is"))
    return table_of_words("arms", "Arms", ("arm", "what it changes in the base run"), rows)

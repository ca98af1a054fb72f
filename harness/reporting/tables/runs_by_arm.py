"""What became of the planned runs, arm by arm."""

import pandas as pd

from harness.reporting.context import ReportContext
from harness.reporting.tables._base import ReportTable, table_of_numbers

__all__ = ["runs_by_arm_table"]


def runs_by_arm_table(context: ReportContext) -> ReportTable | None:
    """Count, arm by arm, what became of the planned runs."""
    account = context.account
    rows = [
        {
            "arm": arm.arm,
            "planned": f"{arm.planned:,}",
            "completed": f"{arm.completed:,}",
            "failed": f"{arm.failed:,}",
            **({"given up": f"{arm.pruned:,}"} if account.pruned else {}),
            "not ended": f"{arm.unfinished:,}",
            "in the comparison": f"{arm.compared:,}",
        }
        for arm in account.arms
    ]
    return table_of_numbers("runs_by_arm", "What became of the planned runs", rows, pd.DataFrame(rows))

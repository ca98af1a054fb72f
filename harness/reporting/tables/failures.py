"""The failed runs by reason."""

import pandas as pd

from harness.reporting.context import ReportContext
from harness.reporting.tables._base import ReportTable, table_of_numbers

__all__ = ["failures_table"]


def failures_table(context: ReportContext) -> ReportTable | None:
    """Count the failed runs by reason."""
    account = context.account
    rows = [
        {"why a run failed": reason or "no reason recorded", "runs": f"{times:,}"} for reason, times in account.reasons
    ]
    frame = pd.DataFrame(account.reasons, columns=["reason", "runs"])
    return table_of_numbers("failures", "Failed runs", rows, frame)

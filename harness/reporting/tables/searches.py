"""What the searches of each arm spent."""

import numpy as np
import pandas as pd

from harness.reporting.analysis.tuned import runs_of_searches
from harness.reporting.context import ReportContext
from harness.reporting.data.wording import number
from harness.reporting.tables._base import ReportTable, table_of_numbers

__all__ = ["searches_table"]

STEPS, SECONDS = "cost/steps", "cost/seconds"


def searches_table(context: ReportContext) -> ReportTable | None:
    """Say what the searches of each arm spent: as many trials, and in updates and seconds?"""
    if not context.whole.study.spec.design.confirms:
        return None
    searched = runs_of_searches(context.whole)
    records: list[dict[str, str | float]] = [
        {
            "arm": str(arm),
            "searches": int(runs["replicate"].nunique()),
            "trials": int(runs.drop_duplicates(["trial"])["trial"].size),
            "runs": len(runs),
            "updates": float(runs[STEPS].sum()) if STEPS in runs else np.nan,
            "seconds": float(runs[SECONDS].sum()) if SECONDS in runs else np.nan,
        }
        for arm, runs in searched.groupby("arm", sort=True)
    ]
    rows = [{name: value if isinstance(value, str) else number(value, 0) for name, value in r.items()} for r in records]
    return table_of_numbers("searches", "What the search for each arm's best spent", rows, pd.DataFrame(records))

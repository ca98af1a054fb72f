"""How much the validation value of a chosen configuration flatters it: what chose it cannot judge it."""

from typing import Any

import numpy as np
import pandas as pd

from harness.reporting.context import ReportContext
from harness.reporting.data.measures import Measure
from harness.reporting.data.study_data import StudyData
from harness.reporting.tables._base import ReportTable, table_of_numbers

__all__ = ["optimism_table"]


def optimism_table(context: ReportContext) -> ReportTable | None:
    """Return the table, or none of searches that were confirmed, and where no arm has two configurations."""
    data, measure = context.data, context.measure
    seen = data.measure(f"val/{measure.metric.removeprefix('test/')}")
    if data.searched or not {seen.metric, measure.metric} <= set(data.metrics):
        return None
    frame = pd.DataFrame([_of_arm(data, arm, seen, measure) for arm in data.arms])
    frame = frame[frame["configurations"] > 1].reset_index(drop=True)
    if not len(frame):
        return None
    unit = f" ({measure.unit})" if measure.unit else ""
    level = f" ({measure.level_unit})" if measure.level_unit else ""
    rows = [
        {
            "arm": record["arm"],
            f"best on validation{level}": measure.level(record["validation"]),
            f"the same on test{level}": measure.level(record["test"]),
            f"test minus validation{unit}": measure.difference(record["apart"]),
            f"of all, on average{unit}": measure.difference(record["apart_of_all"]),
            "configurations": f"{record['configurations']:,}",
        }
        for record in frame.to_dict("records")
    ]
    note = (
        "Of each arm, the configuration with the best validation, means over seeds. What chose it flatters it; beside "
        "that stands what test minus validation is for all configurations. The seeds are the same on both sides: how "
        "lucky they were is seen only by training again with others."
    )
    return table_of_numbers("optimism", "What choosing on validation flatters", rows, frame, note=note)


def _of_arm(data: StudyData, arm: str, seen: Measure, measure: Measure) -> dict[str, Any]:
    runs = data.runs[(data.runs["arm"] == arm) & (data.runs["status"] == "completed")]
    finite = np.isfinite(runs[[seen.metric, measure.metric]].to_numpy(np.float64)).all(axis=1)
    means = runs[finite].groupby("trial")[[seen.metric, measure.metric]].mean()
    means = means.sort_values(seen.metric, ascending=not measure.higher_is_better, kind="stable")
    apart = means[measure.metric] - means[seen.metric]
    best = means.iloc[0] if len(means) else pd.Series(np.nan, means.columns)
    return {
        "arm": arm,
        "trial": means.index[0] if len(means) else np.nan,
        "validation": float(best[seen.metric]),
        "test": float(best[measure.metric]),
        "apart": float(best[measure.metric] - best[seen.metric]),
        "apart_of_all": float(apart.mean()),
        "configurations": len(means),
    }

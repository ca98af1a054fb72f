"""What others have published, beside what came out here."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from harness.reporting.context import ReportContext
from harness.reporting.data.measures import Measure
from harness.reporting.data.study_data import StudyData
from harness.reporting.data.wording import signed
from harness.reporting.tables._base import ReportTable, table_of_numbers

__all__ = ["published_table"]

NEAR = 2.0  # published standard deviations


def published_table(context: ReportContext) -> ReportTable | None:
    """Return the table, or none for a study that names no published results.

    Ours are mean and standard deviation over all completed runs of the arm; the distance is in units of the published
    standard deviation of single runs.
    """
    data = context.data
    records = [_record(data, result) for result in data.study.spec.published]
    if not records:
        return None
    rows = [_row(record, data.measure(record["metric"])) for record in records]
    near = sum(abs(record["distance"]) <= NEAR for record in records)
    sources = "; ".join(dict.fromkeys(str(record["source"]) for record in records))
    note = (
        f"Published: {sources}. {near} of {len(records)} means lie within {NEAR:g} published standard deviations of "
        "the published ones."
    )
    title = "Published results, and ours"
    return table_of_numbers("published", title, rows, pd.DataFrame(records), left=3, note=note)


def _record(data: StudyData, result: Mapping[str, Any]) -> dict[str, Any]:
    metric = f"test/{result['metric']}"
    chosen = data.runs[(data.runs["arm"] == result["arm"]) & (data.runs["status"] == "completed")]
    found = chosen[metric].dropna() if metric in chosen else pd.Series(dtype=np.float64)
    mean = float(found.mean()) if len(found) else np.nan
    return {
        "arm": result["arm"],
        "metric": metric,
        "published": result["mean"],
        "published_sd": result["std"],
        "ours": mean,
        "ours_sd": float(found.std()) if len(found) > 1 else np.nan,
        "runs": len(found),
        "distance": (mean - result["mean"]) / result["std"],
        "source": result["source"],
    }


def _row(record: dict[str, Any], measure: Measure) -> dict[str, str]:
    theirs, ours = (
        f"{measure.level(record[mean])} ± {measure.level(record[f'{mean}_sd'])}" for mean in ("published", "ours")
    )
    return {
        "arm": str(record["arm"]),
        "outcome": measure.title,
        "unit": measure.level_unit,
        "published, mean ± SD": theirs,
        "ours, mean ± SD": ours,
        "our runs": str(record["runs"]),
        "distance (published SDs)": signed(record["distance"], 1),
    }

"""What others have published, beside what came out here."""

import math
import re
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

NEAR = 2.0  # standard errors, or published standard deviations
UNITS = {
    "SE": "standard errors of the difference between two such means",
    "SD": "published standard deviations of single runs, whose number is not named",
}


def published_table(context: ReportContext) -> ReportTable | None:
    """Return the table, or none for a study that names no published results.

    Ours are mean and standard deviation over all completed runs of the arm. The distance between the two means is in
    units of its standard error, or of the published standard deviation where the source names no number of runs.
    """
    data = context.data
    records = [_record(data, result) for result in data.study.spec.published]
    if not records:
        return None
    rows = [_row(record, data.measure(record["metric"])) for record in records]
    sources = "; ".join(dict.fromkeys(str(record["source"]) for record in records))
    counted_in = [unit for unit in UNITS if any(record["distance_in"] == unit for record in records)]
    note = " ".join([f"Published: {sources}.", *(_nearness(records, unit) for unit in counted_in)])
    title = "Published results, and ours"
    return table_of_numbers("published", title, rows, pd.DataFrame(records), left=3, note=note)


def _nearness(records: list[dict[str, Any]], unit: str) -> str:
    """Say how many of the means that are compared in this unit lie near the published ones."""
    distances = [abs(record["distance"]) for record in records if record["distance_in"] == unit]
    near = sum(distance <= NEAR for distance in distances)
    return f"{near} of {len(distances)} means lie within {NEAR:g} {unit} of the published ones. {unit}: {UNITS[unit]}."


def _record(data: StudyData, result: Mapping[str, Any]) -> dict[str, Any]:
    metric = f"test/{result['metric']}"
    chosen = data.runs[(data.runs["arm"] == result["arm"]) & (data.runs["status"] == "completed")]
    found = chosen[metric].dropna() if metric in chosen else pd.Series(dtype=np.float64)
    mean = float(found.mean()) if len(found) else np.nan
    sd = float(found.std()) if len(found) > 1 else np.nan
    their_runs = _runs_named_in(result["source"])
    unit = "SE" if their_runs else "SD"
    scale = _standard_error(result["std"], their_runs, sd, len(found)) if their_runs else result["std"]
    return {
        "arm": result["arm"],
        "metric": metric,
        "published": result["mean"],
        "published_sd": result["std"],
        "published_runs": their_runs,
        "ours": mean,
        "ours_sd": sd,
        "runs": len(found),
        "distance": (mean - result["mean"]) / scale,
        "distance_in": unit,
        "source": result["source"],
    }


def _runs_named_in(source: str) -> int | None:
    named = re.search(r"\b([1-9]\d*) runs\b", source)
    return int(named[1]) if named else None


def _standard_error(std: float, runs: int, our_std: float, our_runs: int) -> float:
    """Return that of the difference between two means; a single run of ours is taken to spread as theirs do."""
    if not our_runs:
        return math.nan
    return math.sqrt(std**2 / runs + (std if our_runs == 1 else our_std) ** 2 / our_runs)


def _row(record: dict[str, Any], measure: Measure) -> dict[str, str]:
    theirs, ours = (
        f"{measure.level(record[mean])} ± {measure.level(record[f'{mean}_sd'])}" for mean in ("published", "ours")
    )
    distance = signed(record["distance"], 1)
    return {
        "arm": str(record["arm"]),
        "outcome": measure.title,
        "unit": measure.level_unit,
        "published, mean ± SD": theirs,
        "ours, mean ± SD": ours,
        "our runs": str(record["runs"]),
        "distance": f"{distance} {record['distance_in']}" if math.isfinite(record["distance"]) else distance,
    }

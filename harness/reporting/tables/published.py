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

__all__ = ["published_table", "said_of_published"]

NEAR = 2.0  # standard errors, or published standard deviations
UNITS = {
    "SE": "standard errors of the difference between two such means",
    "SD": "published standard deviations of single runs, whose number is not named",
}
SHORT_UNITS = {"SE": "standard errors of the difference", "SD": "published standard deviations"}


def published_table(context: ReportContext) -> ReportTable | None:
    """Return the table, or none for a study that names no published results.

    Ours are mean and standard deviation over all completed runs of the arm. The distance between the two means is in
    units of its standard error, or of the published standard deviation where the source names no number of runs.
    """
    data, records = context.data, _records(context.data)
    if not records:
        return None
    rows = [_row(record, data.measure(record["metric"])) for record in records]
    sources = "; ".join(dict.fromkeys(str(record["source"]) for record in records))
    nearness = [
        f"{near} of {all_of} means lie within {NEAR:g} {unit} of the published ones. {unit}: {UNITS[unit]}."
        for unit, (near, all_of) in _counts(records).items()
    ]
    note = " ".join([f"Published: {sources}.", *nearness])
    title = "Published results, and ours"
    return table_of_numbers("published", title, rows, pd.DataFrame(records), left=3, note=note)


def said_of_published(data: StudyData) -> str:
    """Say in a sentence how many published means came out here as well; nothing for a study that names none."""
    counts = _counts(_records(data))
    met = [f"{near} of {all_of} within {NEAR:g} {SHORT_UNITS[unit]}" for unit, (near, all_of) in counts.items()]
    return f"Published means that came out here as well: {'; '.join(met)}." if met else ""


def _records(data: StudyData) -> list[dict[str, Any]]:
    return [_record(data, result) for result in data.study.spec.published]


def _counts(records: list[dict[str, Any]]) -> dict[str, tuple[int, int]]:
    """Return how many means lie near the published ones, and of how many, by the unit of the distance."""
    distances = {unit: [abs(r["distance"]) for r in records if r["distance_in"] == unit] for unit in UNITS}
    return {unit: (sum(one <= NEAR for one in found), len(found)) for unit, found in distances.items() if found}


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

"""The runs of a report as the ledger would have them, for those who plan them anew."""

import json
import math
from pathlib import Path
from typing import Any

from harness.reporting.data.columns import PARAM, is_absent
from harness.reporting.data.study_data import StudyData
from harness.reporting.publication.report_folder import read_report
from harness.reporting.publication.source_files import read_data
from harness.staging.ledger import RunRecord

__all__ = ["recorded_runs", "recorded_study"]


def recorded_study(folder: Path) -> tuple[StudyData, list[RunRecord]]:
    """Return the data of a report, and its runs as the ledger would have them.

    Raises:
        InputError: the folder holds no report.
    """
    data = read_data(read_report(folder))
    return data, recorded_runs(data)


def recorded_runs(data: StudyData) -> list[RunRecord]:
    """Return the runs of a report, as far as it holds them: without their stages, growths and commits."""
    rows = [{str(name): value for name, value in row.items()} for row in data.runs.to_dict("records")]
    return [_record(data, row) for row in rows]


def _record(data: StudyData, row: dict[str, Any]) -> RunRecord:
    metrics = {name: float(row[name]) for name in data.metrics}
    params = {label: row[PARAM + label] for label in data.labels}
    return RunRecord(
        study=data.study.name,
        trial=int(row["trial"]),
        arm=str(row["arm"]),
        seed=int(row["seed"]),
        run_id=str(row["run_id"]),
        params={label: value for label, value in params.items() if not is_absent(value)},
        config=json.loads(row["config"]),
        status=str(row["status"]),
        reason=str(row["reason"]),
        metrics={name: value for name, value in metrics.items() if not math.isnan(value)},
    )

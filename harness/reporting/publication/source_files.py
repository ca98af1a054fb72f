"""The data of a report as files, and back: everything else in a report follows from these, and from nothing else."""

import io
import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from harness.core.digest import canonical_json
from harness.reporting.data.answers import AnswerFrames
from harness.reporting.data.columns import ABSENT, PARAM, column_of, is_absent
from harness.reporting.data.ledger_account import LedgerAccount
from harness.reporting.data.study_data import StudyData
from harness.staging.ledger import StudyOrigin, StudyRecord
from harness.staging.study_spec import StudySpec

__all__ = [
    "ANSWERS",
    "CURVES",
    "ENVIRONMENT",
    "OPTIONAL_SOURCES",
    "RUNS",
    "SOURCES",
    "STUDY",
    "TEST_SET",
    "json_bytes",
    "read_data",
    "sources_among",
    "written_data",
]

RUNS, CURVES, STUDY, ENVIRONMENT = "data/runs.parquet", "data/curves.parquet", "study.json", "environment.json"
SOURCES = (RUNS, CURVES, STUDY, ENVIRONMENT)
TEST_SET, ANSWERS = "data/test_set.parquet", "data/answers.parquet"
OPTIONAL_SOURCES = (TEST_SET, ANSWERS)  # of runs that kept no answers to test examples, there are none
STUDY_VERSION = 1
LEVEL = 19  # of compression: data that are published are written once and cloned often


def written_data(data: StudyData, environment: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the files, by relative path, from which `read_data` makes the same data."""
    params: dict[str, Any] = {name: [_written(value) for value in data.runs[name]] for name in _params(data.runs)}
    study, origin = data.study, data.origin
    about = {
        "study_version": STUDY_VERSION,
        "name": study.name,
        "trials": study.trials,
        "seeds": study.seeds,
        "called": {"source": origin.source, "changes": list(origin.changes)},
        "runs_without_history": list(data.lost),
        **({"earlier_forms_of_spec": list(data.earlier)} if data.earlier else {}),
        **({"ledger": data.ledger.to_json()} if data.ledger else {}),
        "spec": study.spec,
    }
    answers = {TEST_SET: data.answers.examples, ANSWERS: data.answers.states} if data.answers else {}
    return {
        RUNS: _parquet(data.runs.assign(**params)),
        CURVES: _parquet(data.curves),
        **{name: _parquet(frame) for name, frame in answers.items()},
        STUDY: json_bytes(about, sort=False),
        ENVIRONMENT: json_bytes(environment),
    }


def sources_among(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return those of a report's files that `read_data` reads."""
    return {name: files[name] for name in (*SOURCES, *OPTIONAL_SOURCES) if name in files}


def read_data(files: Mapping[str, bytes]) -> StudyData:
    """Read what `written_data` wrote."""
    about = json.loads(files[STUDY])
    runs, answered = _frame(files[RUNS]), any(name in files for name in OPTIONAL_SOURCES)
    params = {name: column_of([_read(text) for text in runs[name]]) for name in _params(runs)}
    return StudyData(
        StudyRecord(about["name"], StudySpec(about["spec"]), about["trials"], about["seeds"]),
        runs.assign(**params),
        _frame(files[CURVES]),
        tuple(about["runs_without_history"]),
        StudyOrigin(about["called"]["source"], tuple(about["called"]["changes"])),
        tuple(about.get("earlier_forms_of_spec", ())),
        AnswerFrames(_frame(files[TEST_SET]), _frame(files[ANSWERS])) if answered else None,
        ledger=LedgerAccount.from_json(about["ledger"]) if "ledger" in about else None,
    )


def json_bytes(content: Any, *, sort: bool = True) -> bytes:
    """Write JSON for people: indented, and by name unless the order of a mapping means something."""
    return (json.dumps(content, indent=2, sort_keys=sort, allow_nan=False) + "\n").encode()


def _params(runs: pd.DataFrame) -> list[str]:
    return [name for name in map(str, runs.columns) if name.startswith(PARAM)]


def _written(value: Any) -> str | None:
    return None if is_absent(value) else canonical_json(value)


def _read(text: str | None) -> Any:
    """Return the value; pandas would take a list for several."""
    if not isinstance(text, str):
        return ABSENT
    value = json.loads(text)
    return tuple(value) if isinstance(value, list) else value


def _frame(content: bytes) -> pd.DataFrame:
    return pd.read_parquet(io.BytesIO(content), engine="pyarrow")


def _parquet(frame: pd.DataFrame) -> bytes:
    content: bytes = frame.to_parquet(None, engine="pyarrow", index=False, compression="zstd", compression_level=LEVEL)
    return content

"""What a tracker shows: a study and a run as names, params, metrics, tags and a note.

Pure functions of what is committed: every tracker shows the same, and repeating a projection changes nothing.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.core.digest import digest
from harness.core.history import History, Series
from harness.staging.ledger import RunRecord, StudyRecord
from harness.staging.run_name import run_name
from harness.tracking.content.metrics import run_metrics
from harness.tracking.content.notes import run_note, study_note
from harness.tracking.content.params import run_params
from harness.tracking.content.tags import DIGEST_CHARACTERS, MOST_TAG_CHARACTERS, run_tags, study_tags
from harness.tracking.content.thinning import TrackingPoints

__all__ = [
    "MOST_PARAM_CHARACTERS",
    "Dataset",
    "RunEntry",
    "StudyEntry",
    "run_entry",
    "run_identity",
    "study_entry",
]

VERSION = 5  # of what is shown; a greater one has every run shown anew
THINNED = b"1"  # likewise, of which points are left out
MOST_PARAM_CHARACTERS = 6000
MOST_NOTE_CHARACTERS = 7000  # a study's outcome goes above its note, in the same tag


@dataclass(frozen=True)
class StudyEntry:
    """What a tracker shows of a study: text by tag, and a Markdown note."""

    name: str
    tags: dict[str, str]
    note: str


@dataclass(frozen=True)
class Dataset:
    """What a run was trained on: its kind, a digest of its whole spec, and that spec as JSON."""

    name: str
    digest: str
    spec: str


@dataclass(frozen=True)
class RunEntry:
    """What a tracker shows of a run.

    Attributes:
        name: sorts as its trial, arm and seed do.
        identity: equal for two runs exactly if trial, arm and seed are equal.
        duration_s: how long it trained, 0 if that is not known.
        last_step: the step at which it ended, 1 if that is not known.
        metrics: the finite values that are shown, by key.
        measured: all that were measured; a tracker may show more of them, as earlier versions did.
        files: JSON by file name: the resolved configuration, the growths, and params that are too long for MLflow.
        mark: a digest of the record and of how it is shown.
        marks: those of all entries that show as much as this one, or more.
    """

    name: str
    identity: str
    status: str
    duration_s: float
    last_step: float
    params: dict[str, str]
    metrics: dict[str, Series]
    measured: dict[str, Series]
    tags: dict[str, str]
    note: str
    files: dict[str, Any]
    datasets: tuple[Dataset, ...]
    mark: str
    marks: frozenset[str]


def study_entry(study: StudyRecord) -> StudyEntry:
    """Return what a tracker shows of a study."""
    return StudyEntry(study.name, study_tags(study), _shortened(study_note(study), MOST_NOTE_CHARACTERS))


def run_identity(record: RunRecord) -> str:
    """Return a digest of trial, arm and seed."""
    return digest([record.trial, record.arm, record.seed])[:DIGEST_CHARACTERS]


def run_entry(study: StudyRecord, record: RunRecord, history: History, points: TrackingPoints = "thinned") -> RunEntry:
    """Return what a tracker shows of a run of `study` and its whole history."""
    params = run_params(study, record)
    long_params = {key: text for key, text in params.items() if len(text) > MOST_PARAM_CHARACTERS}
    tags = run_tags(study, record, history)
    if long_params:
        tags["long_params"] = ", ".join(long_params)
    name = _name(study, record)
    metrics = run_metrics(study, record, history, points)
    whole, thinned = _marks(name, record)
    return RunEntry(
        name=name,
        identity=run_identity(record),
        status=record.status,
        duration_s=record.metrics.get("cost/seconds", 0.0),
        last_step=max(1.0, record.metrics.get("cost/steps", 1.0)),
        params={key: _shortened(text, MOST_PARAM_CHARACTERS) for key, text in params.items()},
        metrics=metrics.shown,
        measured=metrics.measured,
        tags={key: _shortened(value, MOST_TAG_CHARACTERS) for key, value in tags.items()},
        note=_shortened(run_note(record), MOST_NOTE_CHARACTERS),
        files={"config.json": record.config, "growths.json": list(record.growths)}
        | ({"long_params.json": long_params} if long_params else {}),
        datasets=_datasets(record),
        mark=whole if points == "all" else thinned,
        marks=frozenset([whole] if points == "all" else [whole, thinned]),
    )


def _name(study: StudyRecord, record: RunRecord) -> str:
    """Return the run's name, in which numbers have the digits of the greatest: MLflow sorts names as text."""
    trial = str(record.trial).zfill(len(str(study.trials - 1)))
    seed = str(record.seed).zfill(len(str(study.seeds - 1)))
    return run_name(trial, record.arm, seed)


def _marks(name: str, record: RunRecord) -> tuple[str, str]:
    """Return the marks of a run of which every point is shown, as in earlier versions, and of which fewer are."""
    fields = {name: value for name, value in vars(record).items() if name != "spec_digest"}
    content = {**fields, "stages": [[address.key, address.step] for address in record.stages]}
    whole = hashlib.sha256(json.dumps([VERSION, name, content]).encode())
    thinned = whole.copy()
    thinned.update(THINNED)
    return whole.hexdigest()[:DIGEST_CHARACTERS], thinned.hexdigest()[:DIGEST_CHARACTERS]


def _datasets(record: RunRecord) -> tuple[Dataset, ...]:
    task = record.config.get("task")
    if not isinstance(task, Mapping):
        return ()
    spec = json.dumps(task, ensure_ascii=False)
    return (Dataset(str(task.get("kind", "task")), digest(task)[:DIGEST_CHARACTERS], spec),)


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"

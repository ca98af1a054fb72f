"""What a tracker shows: a study and a run as names, params, metrics, tags and a note.

Pure functions of what is committed, so every tracker shows the same, and shows it again the same.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.core.digest import digest
from harness.core.history import History, Series
from harness.core.spec import flatten
from harness.staging.ledger import RunRecord, StudyRecord
from harness.staging.previous_specs import spec_digest
from harness.tracking.content.finals import finals
from harness.tracking.content.keys import allowed_keys, metric_keys
from harness.tracking.content.notes import run_note, study_note
from harness.tracking.content.points import finite, non_finite

__all__ = [
    "ENDED",
    "MOST_PARAM_CHARACTERS",
    "MOST_TAG_CHARACTERS",
    "SOMETIMES",
    "Dataset",
    "RunEntry",
    "StudyEntry",
    "run_entry",
    "run_identity",
    "study_entry",
]

FORM = 5  # of what is shown; a greater one has every run shown anew
MOST_PARAM_CHARACTERS = 6000
MOST_TAG_CHARACTERS = 8000
MOST_NOTE_CHARACTERS = 7000  # a study's outcome goes above its note, in the same tag
DIGEST_CHARACTERS = 16
SOMETIMES = {"git_commit", "growth_steps", "long_params", "not_finite", "parent_stage", "reason", "stage"}  # tags
ENDED = {"outcome", "reason"}  # tags that only an end brings


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
        metrics: every finite value that was measured, by key.
        files: JSON by file name: the resolved configuration, the growths, and params that are too long for MLflow.
        mark: a digest of the record and of how it is shown.
    """

    name: str
    identity: str
    status: str
    duration_s: float
    last_step: float
    params: dict[str, str]
    metrics: dict[str, Series]
    tags: dict[str, str]
    note: str
    files: dict[str, Any]
    datasets: tuple[Dataset, ...]
    mark: str


def study_entry(study: StudyRecord) -> StudyEntry:
    """Return what a tracker shows of a study."""
    tags = {"study": study.name, "planned_runs": str(study.planned_runs), "spec_hash": _spec_hash(study)}
    return StudyEntry(study.name, tags, _shortened(study_note(study), MOST_NOTE_CHARACTERS))


def run_identity(record: RunRecord) -> str:
    """Return a digest of trial, arm and seed."""
    return digest([record.trial, record.arm, record.seed])[:DIGEST_CHARACTERS]


def run_entry(study: StudyRecord, record: RunRecord, history: History) -> RunEntry:
    """Return what a tracker shows of a run of `study` and its whole history."""
    texts = _texts(study, record)
    whole = {key: text for key, text in texts.items() if len(text) > MOST_PARAM_CHARACTERS}
    tags = _run_tags(study, record) | _non_finite_tag(record, history)
    if whole:
        tags["long_params"] = ", ".join(whole)
    name = _name(study, record)
    return RunEntry(
        name=name,
        identity=run_identity(record),
        status=record.status,
        duration_s=record.metrics.get("cost/seconds", 0.0),
        last_step=max(1.0, record.metrics.get("cost/steps", 1.0)),
        params={key: _shortened(text, MOST_PARAM_CHARACTERS) for key, text in texts.items()},
        metrics=_metrics(study, record, history),
        tags={key: _shortened(value, MOST_TAG_CHARACTERS) for key, value in tags.items()},
        note=_shortened(run_note(record), MOST_NOTE_CHARACTERS),
        files={"config.json": record.config, "growths.json": list(record.growths)}
        | ({"long_params.json": whole} if whole else {}),
        datasets=_datasets(record),
        mark=_mark(name, record),
    )


def _name(study: StudyRecord, record: RunRecord) -> str:
    """Return the run's name, in which numbers have the digits of the greatest: MLflow sorts names as text."""
    trial = str(record.trial).zfill(len(str(study.trials - 1)))
    seed = str(record.seed).zfill(len(str(study.seeds - 1)))
    return f"trial {trial} · {record.arm} · seed {seed}"


def _mark(name: str, record: RunRecord) -> str:
    shown = {name: value for name, value in vars(record).items() if name != "spec_digest"}
    content = {**shown, "stages": [[address.key, address.step] for address in record.stages]}
    return hashlib.sha256(json.dumps([FORM, name, content]).encode()).hexdigest()[:DIGEST_CHARACTERS]


def _spec_hash(study: StudyRecord) -> str:
    return spec_digest(study.spec)[:DIGEST_CHARACTERS]


def _run_tags(study: StudyRecord, record: RunRecord) -> dict[str, str]:
    tags = {
        "study": record.study,
        "trial": str(record.trial),
        "arm": record.arm,
        "seed": str(record.seed),
        "run_id": record.run_id,
        "spec_hash": _spec_hash(study),
    }
    if comparison := study.spec.get("comparison"):
        tags["comparison"] = json.dumps(comparison)
    if record.stages:
        tags["stage"] = record.stages[-1].key[:DIGEST_CHARACTERS]
    if len(record.stages) > 1:
        tags["parent_stage"] = record.stages[-2].key[:DIGEST_CHARACTERS]
    if record.growths:
        tags["growth_steps"] = ", ".join(str(growth["step"]) for growth in record.growths)
    if record.commit:
        tags["git_commit"] = record.commit
    if record.status != "running":
        tags["outcome"] = record.status
    if record.reason:
        tags["reason"] = record.reason
    return tags


def _non_finite_tag(record: RunRecord, history: History) -> dict[str, str]:
    counts = {name: non_finite(history[name]) for name in history}
    points = [f"{name} at {count} of {len(history[name].steps)} steps" for name, count in counts.items() if count]
    results = [name for name, value in sorted(record.metrics.items()) if not math.isfinite(value)]
    return {"not_finite": ", ".join(points + results)} if points or results else {}


def _texts(study: StudyRecord, record: RunRecord) -> dict[str, str]:
    """Return the searched fields, arm and seed, then the configuration.

    A searched field is not shown a second time under its path, unless the arm has changed it. What is unset is only
    in `config.json`.
    """
    named = {**record.params, "arm": record.arm, "seed": record.seed}
    space = study.spec.space
    paths = {space[label].field: value for label, value in record.params.items() if label in space}
    rest = {
        path: value
        for path, value in flatten(record.config).items()
        if path not in named and (path not in paths or value != paths[path])
    }
    texts = {name: _text(value) for name, value in (named | rest).items() if value is not None}
    keys = allowed_keys(texts)
    return {keys[name]: text for name, text in texts.items()}


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and set(value) == {"kind"}:
        return str(value["kind"])
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _datasets(record: RunRecord) -> tuple[Dataset, ...]:
    task = record.config.get("task")
    if not isinstance(task, Mapping):
        return ()
    spec = json.dumps(task, ensure_ascii=False)
    return (Dataset(str(task.get("kind", "task")), digest(task)[:DIGEST_CHARACTERS], spec),)


def _metrics(study: StudyRecord, record: RunRecord, history: History) -> dict[str, Series]:
    """Return the whole history, what the growths say of themselves where it does not, and the final results."""
    shown = {name: finite(history[name]) for name in history}
    for growth in record.growths:
        for name, value in growth.items():
            if name != "step" and f"growth/{name}" not in history and _is_number(value):
                series = shown.setdefault(f"growth/{name}", Series())
                series.steps.append(growth["step"])
                series.values.append(float(value))
    for name, value in finals(study.spec.metric, record.metrics, history).items():
        shown[name] = Series([0], [value])
    keys = metric_keys(sorted(name for name, series in shown.items() if series.steps))
    return {key: shown[name] for name, key in keys.items()}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"

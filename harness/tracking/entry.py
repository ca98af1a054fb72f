"""What a tracker shows: a study and a run as names, params, metrics, tags and a note.

Pure functions of what is committed, so every tracker shows the same, and shows it again the same.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.core.digest import digest
from harness.core.history import History
from harness.core.spec import flatten
from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking.curves import curve, non_finite
from harness.tracking.keys import allowed_keys
from harness.tracking.notes import run_note, study_note

__all__ = [
    "MOST_PARAM_CHARACTERS",
    "MOST_TAG_CHARACTERS",
    "RunEntry",
    "StudyEntry",
    "run_entry",
    "study_entry",
]

MOST_PARAM_CHARACTERS = 6000
MOST_TAG_CHARACTERS = 8000
MOST_NOTE_CHARACTERS = 7000  # a study's outcome goes above its note, in the same tag


@dataclass(frozen=True)
class StudyEntry:
    """What a tracker shows of a study: text by tag, and a Markdown note."""

    name: str
    tags: dict[str, str]
    note: str


@dataclass(frozen=True)
class RunEntry:
    """What a tracker shows of a run.

    Attributes:
        identity: equal for two runs exactly if trial, arm and seed are equal.
        duration_s: how long it trained, 0 if that is not known.
        metrics: value by step, by key; thinned and finite (`harness.tracking.curves`).
        files: JSON by file name: the resolved configuration and the growths.
    """

    name: str
    identity: str
    status: str
    duration_s: float
    params: dict[str, str]
    metrics: dict[str, dict[int, float]]
    tags: dict[str, str]
    note: str
    files: dict[str, Any]


def study_entry(study: StudyRecord) -> StudyEntry:
    """Return what a tracker shows of a study."""
    tags = {"study": study.name, "planned_runs": str(study.planned_runs)}
    return StudyEntry(study.name, tags, _shortened(study_note(study), MOST_NOTE_CHARACTERS))


def run_entry(study: StudyRecord, record: RunRecord, history: History) -> RunEntry:
    """Return what a tracker shows of a run of `study` and its whole history."""
    metrics = _metrics(record, history)
    tags = _run_tags(record) | _non_finite_tag(record, history)
    return RunEntry(
        name=f"trial {record.trial} · {record.arm} · seed {record.seed}",
        identity=digest([record.trial, record.arm, record.seed])[:16],
        status=record.status,
        duration_s=metrics.get("cost/seconds", {}).get(0, 0.0),
        params=_params(study, record),
        metrics=metrics,
        tags={key: _shortened(value, MOST_TAG_CHARACTERS) for key, value in tags.items()},
        note=_shortened(run_note(record), MOST_NOTE_CHARACTERS),
        files={"config.json": record.config, "growths.json": list(record.growths)},
    )


def _run_tags(record: RunRecord) -> dict[str, str]:
    tags = {
        "study": record.study,
        "trial": str(record.trial),
        "arm": record.arm,
        "seed": str(record.seed),
        "run_id": record.run_id,
    }
    if record.growths:
        tags["growth_steps"] = ", ".join(str(growth["step"]) for growth in record.growths)
    if record.reason:
        tags["reason"] = record.reason
    return tags


def _non_finite_tag(record: RunRecord, history: History) -> dict[str, str]:
    counts = {name: non_finite(history[name]) for name in history}
    points = [f"{name} at {count} of {len(history[name].steps)} steps" for name, count in counts.items() if count]
    results = [name for name, value in sorted(record.metrics.items()) if not math.isfinite(value)]
    return {"not_finite": ", ".join(points + results)} if points or results else {}


def _params(study: StudyRecord, record: RunRecord) -> dict[str, str]:
    """Return the searched fields, arm and seed, then the configuration.

    A searched field is not shown a second time under its path, unless the arm has changed it. What is unset or too
    long for MLflow is only in `config.json`.
    """
    named = {**record.params, "arm": record.arm, "seed": record.seed}
    paths = {dimension["field"]: label for label, dimension in study.spec["space"].items()}
    rest = {
        path: value
        for path, value in flatten(record.config).items()
        if path not in named and (path not in paths or value != named.get(paths[path]))
    }
    texts = {name: _text(value) for name, value in (named | rest).items() if value is not None}
    kept = {name: text for name, text in texts.items() if len(text) <= MOST_PARAM_CHARACTERS}
    keys = allowed_keys(kept)
    return {keys[name]: text for name, text in kept.items()}


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and set(value) == {"kind"}:
        return str(value["kind"])
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _metrics(record: RunRecord, history: History) -> dict[str, dict[int, float]]:
    curves = {name: curve(history[name]) for name in history}
    for growth in record.growths:
        for name, value in growth.items():
            if name != "step" and _is_number(value):
                curves.setdefault(f"growth/{name}", {})[growth["step"]] = float(value)
    shown = {name: points for name, points in curves.items() if points}
    shown |= _results(record, shown)
    keys = allowed_keys(sorted(shown))
    return {key: shown[name] for name, key in keys.items()}


def _results(record: RunRecord, curves: Mapping[str, dict[int, float]]) -> dict[str, dict[int, float]]:
    """Return the finite results, each at step 0, where the UI draws a bar.

    In a curve of the same name that would be a wrong point; there, a result that does not end the curve has a name
    of its own.
    """
    results: dict[str, dict[int, float]] = {}
    for name, value in record.metrics.items():
        if math.isfinite(value) and name not in curves:
            results[name] = {0: value}
        elif math.isfinite(value) and value != list(curves[name].values())[-1]:
            results[f"result/{name}"] = {0: value}
    return results


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"

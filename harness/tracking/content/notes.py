"""The Markdown notes that a tracker shows above a study and a run."""

import json
from collections.abc import Mapping
from typing import Any

from harness.staging.ledger import RunRecord, StudyRecord
from harness.staging.study_spec import DimensionSpec

__all__ = ["run_note", "study_note"]


def study_note(study: StudyRecord) -> str:
    """Return a study's question, arms, space and size."""
    spec = study.spec
    arms = {name: f"`{_plain(changes)}`" if changes else "the base run" for name, changes in spec.arms.items()}
    space = {name: _dimension(dimension) for name, dimension in spec.space.items()}
    sizes = f"{study.trials} trials, {len(arms)} arms and {study.seeds} seeds: {study.planned_runs} runs"
    parts = [f"### {spec.title}", spec.question, "**Arms**", _bullets(arms)]
    parts += ["**Space**", _bullets(space)] if space else []
    return "\n\n".join([*parts, sizes])


def run_note(record: RunRecord) -> str:
    """Return how a run ended, what was searched, what it grew and what came out."""
    parts = [f"**{record.status}**" + (f": {record.reason}" if record.reason else "")]
    parts.append(_bullets({label: f"`{_plain(value)}`" for label, value in record.params.items()}))
    parts.append("\n".join(f"- {_growth(growth)}" for growth in record.growths))
    parts.append(_results(record.metrics))
    return "\n\n".join(part for part in parts if part)


def _dimension(dimension: DimensionSpec) -> str:
    settings = {name: value for name, value in dimension.items() if name not in {"kind", "field"}}
    given = {name: value for name, value in settings.items() if value not in (None, {}) and value is not False}
    return f"{dimension.kind} `{_plain(given)}` of `{dimension.field}`"


def _growth(growth: Mapping[str, Any]) -> str:
    return f"grown at step {growth['step']}: {growth.get('parameters_added', 0):+,} parameters"


def _results(metrics: Mapping[str, float]) -> str:
    rows = [f"| {name} | {value:.6g} |" for name, value in sorted(metrics.items())]
    return "\n".join(["| result | value |", "|---|---|", *rows]) if rows else ""


def _bullets(items: Mapping[str, str]) -> str:
    return "\n".join(f"- **{name}**: {text}" for name, text in items.items())


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

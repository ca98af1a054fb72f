"""Params of a run: what was searched, and its whole configuration."""

import json
from collections.abc import Mapping
from typing import Any

from harness.core.spec import flatten
from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking.content.keys import allowed_keys

__all__ = ["run_params"]


def run_params(study: StudyRecord, record: RunRecord) -> dict[str, str]:
    """Return the searched fields, arm and seed, then the configuration.

    A searched field appears under its path as well only if the arm has changed it. Unset fields are left to
    `config.json`.
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

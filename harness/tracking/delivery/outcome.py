"""The line with a study's outcome that trackers show above its note."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking.live.format import live_folder

__all__ = ["counted", "outcome_of", "save_outcome"]

FILE = "outcome.json"


def save_outcome(home: Path, study: StudyRecord, outcome: str) -> None:
    """Save the outcome of a study with as many planned runs as it has now."""
    folder = live_folder(home, study.name)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(json.dumps({"planned_runs": study.planned_runs, "outcome": outcome}))


def outcome_of(home: Path, study: StudyRecord, runs: Sequence[RunRecord]) -> str:
    """Return the outcome saved for as many planned runs, or else the number of runs by status."""
    try:
        saved = json.loads((live_folder(home, study.name) / FILE).read_text())
        if saved["planned_runs"] == study.planned_runs:
            return str(saved["outcome"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # never saved, or torn: counting is always possible
    return counted(runs)


def counted(runs: Sequence[RunRecord]) -> str:
    """Return the number of runs by status, in words."""
    counts = Counter(run.status for run in runs)
    return ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))

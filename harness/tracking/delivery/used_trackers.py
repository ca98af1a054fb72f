"""Which trackers a study was last shown by, for the commands that do not name any."""

import json
from collections.abc import Sequence
from pathlib import Path

from harness.tracking.delivery.destination import MLFLOW, Destination
from harness.tracking.live.format import live_folder

__all__ = ["save_trackers", "used_trackers"]

FILE = "trackers.json"


def save_trackers(home: Path, study: str, destinations: Sequence[Destination]) -> None:
    """Save the trackers of a launch in the folder of the study's live runs, which exists."""
    (live_folder(home, study) / FILE).write_text(json.dumps([destination.tracker for destination in destinations]))


def used_trackers(home: Path, study: str | None) -> list[str]:
    """Return the trackers of the last launch of a study, or of any; MLflow alone, if that is not known."""
    files = (home / "live").glob(f"{study or '*'}/{FILE}")
    try:
        latest = max(files, key=lambda file: file.stat().st_mtime)
        return [str(name) for name in json.loads(latest.read_text())] or [MLFLOW]
    except (OSError, ValueError, TypeError):
        return [MLFLOW]

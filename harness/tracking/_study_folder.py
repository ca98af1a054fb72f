"""The folder of a study below a tracker's, and what is kept there of what is shown."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

from harness.core.errors import StudyNotFoundError
from harness.staging.ledger import StudyRecord
from harness.tracking._point_file import PointFile
from harness.tracking.content.entry import RunEntry, StudyEntry
from harness.tracking.content.points import Point

__all__ = ["StudyFolder", "file_name", "metric_shown"]

SHOWN = ".shown"  # a file for each run, written when all else of it is
STUDY = "study"
FORBIDDEN = re.compile(r"[^\w.\-+=, ·]")


@final
class StudyFolder:
    """The folder of a study, and what is shown in it.

    Attributes:
        path: of the folder.
        study: as it was begun.
    """

    def __init__(self, path: Path, study: StudyRecord, version: int) -> None:
        self.path = path
        self.study = study
        self._version = version
        self._shown: dict[str, dict[str, Any]] = {}
        self._live: dict[str, PointFile] = {}

    @property
    def outcome(self) -> str:
        """The outcome that is shown, if any."""
        return str(self._shown.get(STUDY, {}).get("outcome", ""))

    def open(self) -> None:
        """Make the folder, or read what is shown in it."""
        (self.path / SHOWN).mkdir(parents=True, exist_ok=True)
        for file in (self.path / SHOWN).glob("*.json"):
            try:
                self._shown[file.stem] = dict(json.loads(file.read_bytes()))
            except (ValueError, TypeError):  # nobody's, or damaged: its run is written anew
                continue

    def is_begun(self, entry: StudyEntry) -> bool:
        """Return whether the study is shown as it is now."""
        known = self._shown.get(STUDY, {})
        return {name: known.get(name) for name in ("tags", "note", "metric")} == self._about(entry)

    def begin(self, entry: StudyEntry, outcome: str = "") -> None:
        """Keep that the study is shown."""
        self._keep(STUDY, {**self._about(entry), "outcome": outcome})

    def _about(self, entry: StudyEntry) -> dict[str, Any]:
        return {"tags": entry.tags, "note": entry.note, "metric": self.study.spec.metric}

    def live_points(self, identity: str) -> PointFile:
        """Return the points of a run that only those know who saw it train."""
        if identity not in self._live:
            self._live[identity] = PointFile(self.path / SHOWN / f"{identity}.points")
        return self._live[identity]

    def shows(self, entry: RunEntry, others: Mapping[Point, int]) -> bool:
        """Return whether the run is shown, perhaps with more points of its curves."""
        known = self._shown.get(entry.identity, {})
        written = (known.get("version", 1), known.get("others"))
        return known.get("mark") in entry.marks and written == (self._version, len(others))

    def file_of(self, identity: str) -> str:
        """Return the `file_name` with which a run is shown, perhaps another than it has now; nothing if it is not."""
        return str(self._shown.get(identity, {}).get("file", ""))

    def mark_of(self, identity: str) -> str:
        """Return what tells whether a run is shown as it is now; nothing if it is not shown."""
        return str(self._shown.get(identity, {}).get("mark", ""))

    def count_points(self, identity: str) -> int:
        """Return how many points of a run are shown."""
        return int(self._shown.get(identity, {}).get("points", 0))

    def keep(self, entry: RunEntry, others: Mapping[Point, int]) -> None:
        """Keep that the run is shown."""
        points = sum(len(series.steps) for series in entry.metrics.values())
        about = {"mark": entry.mark, "file": file_name(entry), "points": points, "others": len(others)}
        self._keep(entry.identity, about | {"version": self._version})

    def write(self, name: str, content: bytes) -> None:
        """Write a file, all of it or nothing."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_name(f".{file.name}.new")
        beside.write_bytes(content)
        beside.replace(file)

    def _keep(self, identity: str, about: dict[str, Any]) -> None:
        self.write(f"{SHOWN}/{identity}.json", json.dumps(about, ensure_ascii=False).encode())
        self._shown[identity] = about


def metric_shown(folder: Path, title: str) -> str:
    """Return the metric that decides in the study of which a tracker with that title has written `folder`.

    Raises:
        StudyNotFoundError: none is shown there.
    """
    try:
        return str(json.loads((folder / SHOWN / f"{STUDY}.json").read_bytes())["metric"])
    except (OSError, ValueError, TypeError, KeyError):
        raise StudyNotFoundError(f"{title} shows no study {folder.name!r} yet; run it, or sync it, first") from None


def file_name(entry: RunEntry) -> str:
    """Return the name of a run's file: its own name, or one made of it, if that cannot be a file's.

    Arms may be called anything.
    """
    plain = FORBIDDEN.sub("_", entry.name)
    return plain if plain == entry.name and len(plain) < 100 else f"{plain[:100]} {entry.identity[:8]}"

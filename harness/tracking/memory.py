"""A tracker in memory, for tests and benchmarks."""

from collections.abc import Collection, Mapping
from typing import Self, final

from harness.core.errors import HarnessError
from harness.core.history import History
from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking._base import AbstractTracker, Place
from harness.tracking.content.entry import RunEntry, StudyEntry, run_entry, study_entry
from harness.tracking.content.keys import SYSTEM
from harness.tracking.content.points import Point
from harness.tracking.content.thinning import TrackingPoints

__all__ = ["MemoryTracker"]

Key = tuple[str, int, str, int]


@final
class MemoryTracker(AbstractTracker):
    """Keeps in memory what it is to show.

    Attributes:
        studies: what is shown of each study, by name.
        runs: what is shown of each run that has ended, by study, trial, arm and seed.
        live: the points of each run that has not, likewise.
        summaries: the outcome of each study that has ended, by name.

    Args:
        points: which points of curves are shown.
    """

    kind = "memory"
    title = "memory"

    def __init__(self, points: TrackingPoints = "thinned") -> None:
        self._points = points
        self.studies: dict[str, StudyEntry] = {}
        self.runs: dict[Key, RunEntry] = {}
        self.live: dict[Key, dict[Point, int]] = {}
        self.summaries: dict[str, str] = {}
        self._begun: dict[str, StudyRecord] = {}

    @classmethod
    def open(cls, place: Place) -> Self:
        """Return a tracker that nobody but its owner sees."""
        return cls(place.points)

    def begin_study(self, study: StudyRecord) -> None:
        """Keep what is shown of the study."""
        self._begun[study.name] = study
        self.studies[study.name] = study_entry(study)

    def show_live_run(self, record: RunRecord, points: Mapping[Point, int], began_ms: int) -> None:  # noqa: ARG002
        """Keep the points."""
        self.live.setdefault(_key(record), {}).update(points)

    def project_run(self, record: RunRecord, history: History) -> None:
        """Keep what is shown of the run."""
        self.runs[_key(record)] = run_entry(self._study(record.study), record, history, self._points)
        self.live.pop(_key(record), None)

    def mark_dead_runs(self, study: StudyRecord, alive: Collection[RunRecord]) -> None:
        """Forget the runs that were killed."""
        alive_keys = {_key(record) for record in alive}
        self.live = {key: points for key, points in self.live.items() if key in alive_keys or key[0] != study.name}

    def end_study(self, study: StudyRecord, summary: str) -> None:
        """Keep the outcome."""
        self.summaries[self._study(study.name).name] = summary

    def count_shown_points(self, record: RunRecord) -> int:
        """Count the points of a run."""
        entry = self.runs.get(_key(record))
        ended = sum(len(series.steps) for series in entry.metrics.values()) if entry else 0
        return ended + sum(not point.key.startswith(SYSTEM) for point in self.live.get(_key(record), {}))

    def _study(self, name: str) -> StudyRecord:
        if name not in self._begun:
            raise HarnessError(f"expected begin_study before anything else of study {name!r}, found none")
        return self._begun[name]


def _key(record: RunRecord) -> Key:
    return record.study, record.trial, record.arm, record.seed

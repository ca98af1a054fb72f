"""Trackers that write files: a folder for each study."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Self

from harness.core.errors import HarnessError
from harness.core.history import History
from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking._base import AbstractTracker, Place
from harness.tracking._study_folder import StudyFolder
from harness.tracking.content.entry import RunEntry, StudyEntry, run_entry, run_identity, study_entry
from harness.tracking.content.points import Point

__all__ = ["AbstractFolderTracker"]


class AbstractFolderTracker(AbstractTracker):
    """Writes into `<uri>/<study>/`, each run when it has ended.

    What it shows is kept beside it, and written down last: a run whose delivery was cut short is written anew.

    Attributes:
        version: of what is written of a run; with a greater one every run is written anew.
    """

    version: ClassVar[int] = 1

    def __init__(self, place: Place) -> None:
        self.place = place
        self._folders: dict[str, StudyFolder] = {}
        self._alive: set[tuple[str, str]] = set()  # runs of which something was written here while they trained

    @classmethod
    def open(cls, place: Place) -> Self:
        """Return a tracker that writes below the folder `place.uri`."""
        return cls(place)

    @abstractmethod
    def write_study(self, folder: StudyFolder, entry: StudyEntry, outcome: str) -> None:
        """Write what is shown of the study, in place of what was; `outcome` is empty until all runs have ended.

        Raises:
            OSError: it cannot be written.
        """

    @abstractmethod
    def write_run(self, folder: StudyFolder, entry: RunEntry, others: Mapping[Point, int]) -> None:
        """Write what is shown of a run that has ended, in place of what was.

        Args:
            folder: of its study.
            entry: with its params, curves, final results and tags.
            others: points that its history does not have, with the milliseconds since 1970 at which each was measured:
                what it used of its machine, and curves of a run that failed before anything was stored.

        Raises:
            OSError: it cannot be written.
        """

    def write_live(
        self, folder: StudyFolder, record: RunRecord, points: Mapping[Point, int], began_ms: int, *, is_first: bool
    ) -> None:
        """Write points of a run that is alive; a tracker that shows only ended runs does nothing.

        Args:
            folder: of its study.
            record: what is known so far.
            points: with the milliseconds since 1970 at which each was measured: all that are known, if `is_first`,
                else those that are new.
            began_ms: when the run began, likewise.
            is_first: whether this tracker writes nothing of the run before.

        Raises:
            OSError: they cannot be written.
        """

    def begin_study(self, study: StudyRecord) -> None:
        """Write what is shown of the study, if that has changed, and read what is shown of its runs."""
        folder, entry = StudyFolder(Path(self.place.uri, study.name), study, self.version), study_entry(study)
        with self.writing():
            folder.open()
            if not folder.is_begun(entry):
                self.write_study(folder, entry, "")
                folder.begin(entry)
        self._folders[study.name] = folder

    def project_run(self, record: RunRecord, history: History) -> None:
        """Write the run, unless it is shown."""
        folder = self.folder_of(record.study)
        entry = run_entry(folder.study, record, history, self.place.points)
        with self.writing():
            live = folder.live_points(entry.identity)
            others = {point: ms for point, ms in live.points.items() if point.key not in entry.measured}
            if not folder.shows(entry, others):
                self.write_run(folder, entry, others)
                folder.keep(entry, others)
            live.keep(others)
        self._alive.discard((record.study, entry.identity))

    def show_live_run(self, record: RunRecord, points: Mapping[Point, int], began_ms: int) -> None:
        """Keep the points, which the store may never have, and write them."""
        folder, identity = self.folder_of(record.study), run_identity(record)
        with self.writing():
            live = folder.live_points(identity)
            new = live.add(points)
            if new:
                is_first = (record.study, identity) not in self._alive
                self.write_live(folder, record, live.points if is_first else new, began_ms, is_first=is_first)
                self._alive.add((record.study, identity))

    def end_study(self, study: StudyRecord, summary: str) -> None:
        """Write the outcome."""
        folder, entry = self.folder_of(study.name), study_entry(study)
        if folder.outcome != summary:
            with self.writing():
                self.write_study(folder, entry, summary)
                folder.begin(entry, summary)

    def count_shown_points(self, record: RunRecord) -> int:
        """Count the points of a run that has ended."""
        folder = self._folders.get(record.study)
        return folder.count_points(run_identity(record)) if folder else 0

    def folder_of(self, study: str) -> StudyFolder:
        """Return the folder of a study.

        Raises:
            HarnessError: it was not begun.
        """
        if study not in self._folders:
            raise HarnessError(f"expected begin_study before anything else of study {study!r}, found none")
        return self._folders[study]

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Turn errors of files into those of a tracker."""
        try:
            yield
        except OSError as error:
            raise HarnessError(
                f"{self.title} at {self.place.uri} cannot be written ({error}); nothing is lost: "
                "the study can be projected again"
            ) from None

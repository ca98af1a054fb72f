"""The family of trackers: user interfaces in which people look at studies and their runs."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping

from harness.core.history import History
from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking.content.points import Point

__all__ = ["AbstractTracker"]


class AbstractTracker(ABC):
    """Shows studies and their runs in a user interface.

    Every method may be called again with the same arguments and then changes nothing, so a delivery that was
    interrupted begins anew. What is shown of a run is decided by `harness.tracking.content.entry`, alike for all.
    """

    @abstractmethod
    def begin_study(self, study: StudyRecord) -> None:
        """Show the study, or what has changed in it; call this before its runs are shown, and again after an error.

        Raises:
            HarnessError: the tracker cannot be reached; nothing is lost, the study can be projected later.
        """

    @abstractmethod
    def project_run(self, record: RunRecord, history: History) -> None:
        """Show a run that has ended; it replaces an earlier run of the same trial, arm and seed.

        Raises:
            HarnessError: its study was not begun, or the tracker cannot be reached.
        """

    @abstractmethod
    def end_study(self, study: StudyRecord, summary: str) -> None:
        """Show that all planned runs have ended, with a line of Markdown about the outcome.

        Raises:
            HarnessError: the study was not begun, or the tracker cannot be reached.
        """

    def show_live_run(self, record: RunRecord, points: Mapping[Point, int], began_ms: int) -> None:  # noqa: B027
        """Show that a run is alive and has measured `points`; a tracker that shows only ended runs does nothing.

        Args:
            record: what is known so far.
            points: with the milliseconds since 1970 at which each was measured.
            began_ms: when the run began, likewise.

        Raises:
            HarnessError: its study was not begun, or the tracker cannot be reached.
        """

    def mark_dead_runs(self, study: StudyRecord, alive: Collection[RunRecord]) -> None:  # noqa: B027
        """Show as killed those runs that have neither ended nor are among `alive`.

        Raises:
            HarnessError: the study was not begun, or the tracker cannot be reached.
        """

    def count_shown_points(self, record: RunRecord) -> int:  # noqa: ARG002
        """Return how many points of a run are known to be shown."""
        return 0

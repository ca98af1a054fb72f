"""The family of trackers: places where people look at studies and their runs."""

from abc import ABC, abstractmethod

from harness.core.history import History
from harness.staging.ledger import RunRecord, StudyRecord

__all__ = ["AbstractTracker"]


class AbstractTracker(ABC):
    """A place where people look at studies and their runs.

    Every method may be called again with the same arguments and then changes nothing, so whoever was
    interrupted begins anew. What a run looks like is decided by `harness.tracking.entry`, alike for all.
    """

    @abstractmethod
    def begin_study(self, study: StudyRecord) -> None:
        """Show the study, or what has changed in it; comes before its runs.

        Raises:
            HarnessError: the tracker cannot be reached; nothing is lost, the study can be projected later.
        """

    @abstractmethod
    def project_run(self, record: RunRecord, history: History) -> None:
        """Show a run that has ended; a later end of the same trial, arm and seed replaces an earlier one.

        Raises:
            HarnessError: its study was not begun, or the tracker cannot be reached.
        """

    @abstractmethod
    def end_study(self, study: StudyRecord, summary: str) -> None:
        """Show that all planned runs have ended, with a line of Markdown about the outcome.

        Raises:
            HarnessError: the study was not begun, or the tracker cannot be reached.
        """

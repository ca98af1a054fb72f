"""A tracker in memory: the double that tests of other layers read."""

from typing import final

from harness.core.errors import HarnessError
from harness.core.history import History
from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking._base import AbstractTracker
from harness.tracking.entry import RunEntry, StudyEntry, run_entry, study_entry

__all__ = ["MemoryTracker"]


@final
class MemoryTracker(AbstractTracker):
    """Keeps what it is given.

    Attributes:
        studies: what is shown of each study, by name.
        runs: what is shown of each run, by study, trial, arm and seed.
        summaries: the outcome of each study that has ended, by name.
    """

    def __init__(self) -> None:
        self.studies: dict[str, StudyEntry] = {}
        self.runs: dict[tuple[str, int, str, int], RunEntry] = {}
        self.summaries: dict[str, str] = {}
        self._begun: dict[str, StudyRecord] = {}

    def begin_study(self, study: StudyRecord) -> None:
        """Keep what is shown of the study."""
        self._begun[study.name] = study
        self.studies[study.name] = study_entry(study)

    def project_run(self, record: RunRecord, history: History) -> None:
        """Keep what is shown of the run."""
        entry = run_entry(self._study(record.study), record, history)
        self.runs[record.study, record.trial, record.arm, record.seed] = entry

    def end_study(self, study: StudyRecord, summary: str) -> None:
        """Keep the outcome."""
        self.summaries[self._study(study.name).name] = summary

    def _study(self, name: str) -> StudyRecord:
        if name not in self._begun:
            raise HarnessError(f"expected begin_study before anything else of study {name!r}, found none")
        return self._begun[name]

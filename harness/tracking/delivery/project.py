"""From committed truth to a tracker: what makes every projection repeatable."""

from pathlib import Path

from harness.core.errors import StudyNotFoundError
from harness.core.history import History
from harness.core.spec import did_you_mean
from harness.staging.histories import run_history
from harness.staging.ledger import RunRecord
from harness.staging.workspace import Workspace
from harness.tracking._base import AbstractTracker
from harness.tracking.delivery.outcome import counted

__all__ = ["known_history", "project_study"]


def project_study(workspace: Workspace, tracker: AbstractTracker, study: str) -> int:
    """Show the study and all its runs that have ended; return how many. Repeating it changes nothing.

    A run whose history was removed from the store is shown by its results alone.

    Raises:
        StudyNotFoundError: the ledger knows no study of that name.
        HarnessError: the tracker cannot be reached.
    """
    ledger = workspace.ledger
    ledger = workspace.ledger
    record = ledger.study(study)
    if record is None:
        names = [known.name for known in ledger.studies()]
        raise StudyNotFoundError(f"no study {study!r} was begun in this home.{did_you_mean(study, names)}")
    runs = ledger.runs(study)
    tracker.begin_study(record)
    for run in runs:
        tracker.project_run(run, known_history(workspace.stages, run))
    if len(runs) >= record.planned_runs:
        tracker.end_study(record, counted(runs))
    return len(runs)


def known_history(store: Path, run: RunRecord) -> History:
    """Return the history of a run, or an empty one if it was removed from the store."""
    try:
        return run_history(store, run.stages, test=run.opened_test)
    except FileNotFoundError:
        return History()

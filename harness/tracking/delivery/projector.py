"""Projecting a study while it runs and afterwards: what the ledger and live files have and the tracker lacks."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import final

from harness.core.errors import HarnessError
from harness.core.history import History
from harness.staging.histories import run_history
from harness.staging.ledger import RunRecord, StudyRecord
from harness.staging.workspace import Workspace
from harness.tracking._base import AbstractTracker
from harness.tracking.content.entry import run_entry, run_identity
from harness.tracking.content.thinning import TrackingPoints
from harness.tracking.delivery.outcome import outcome_of
from harness.tracking.delivery.undelivered import Undelivered
from harness.tracking.live.attempts import Attempt, Attempts, Readers

__all__ = ["OBJECTS_A_COLLECTION", "Projector"]

log = logging.getLogger(__name__)

# For processes that project. MLflow makes objects of every point, and to look for garbage among them after every 700,
# as Python does by itself, takes a quarter of the time.
OBJECTS_A_COLLECTION = 50_000
POLL_S = 1.0
# A delivery that took a while is followed by a pause, so that training keeps the processor.
PAUSES, LONGEST_PAUSE_S = 20, 5.0
FIRST_RETRY_S, LAST_RETRY_S = 1.0, 60.0  # each wait after a failure is twice the one before
RETRY_FOR_S = 10.0
GRACE_S = 15.0  # a run whose process is gone may be a moment away from its line in the ledger


@final
class Projector:
    """Shows one study in one tracker; one projector at a time may (`harness.tracking.delivery.lock`).

    Args:
        workspace: with the live files, the ledger, and the histories of the runs that have ended.
        study: its name.
        open_tracker: called again after every error: what was known of the tracker may no longer hold.
        system: whether to show what the processes that train use of the machine.
        points: which points of curves the tracker shows.
        readers: shared by the projectors of a process that show the same study.
    """

    def __init__(
        self,
        workspace: Workspace,
        study: str,
        open_tracker: Callable[[], AbstractTracker],
        *,
        system: bool = False,
        points: TrackingPoints = "thinned",
        readers: Readers | None = None,
    ) -> None:
        self._workspace = workspace
        self._name = study
        self._open_tracker = open_tracker
        self._system = system
        self._points = points
        self._tracker: AbstractTracker | None = None
        self._study: StudyRecord | None = None
        self._attempts = Attempts(workspace.home, study, points, readers)
        self._run_counts: dict[str, int] = {}
        self._ended: dict[str, RunRecord] = {}
        self._whole: dict[str, RunRecord] = {}  # those of the ended runs that the tracker shows
        self._marked_dead: set[Path] | None = None
        self._last_error = ""

    def follow(self, stop: Event, *, poll_s: float = POLL_S) -> None:
        """Deliver what is new every `poll_s` seconds until `stop` is set, waiting longer after each failure.

        After a delivery that took long it waits 20 times as long, or 5 s.
        """
        delay = poll_s
        while not stop.wait(delay):
            began = time.process_time()
            if self._try():
                delay = min(max(FIRST_RETRY_S, 2 * delay), LAST_RETRY_S)
            else:
                pause_s = PAUSES * (time.process_time() - began)
                delay = max(poll_s, min(pause_s, LONGEST_PAUSE_S))

    def finish(self, *, retry_for_s: float = RETRY_FOR_S) -> Undelivered:
        """Deliver everything; give up when the tracker has failed for `retry_for_s`, and return what is left.

        Runs that have neither ended nor a living process are shown as killed.
        """
        deadline, delay = time.monotonic() + retry_for_s, FIRST_RETRY_S
        self._run_counts = {}
        while (error := self._try(last=True)) and time.monotonic() + delay < deadline:
            time.sleep(delay)
            delay *= 2
        return self._undelivered(str(error)) if error else Undelivered()

    def deliver(self) -> None:
        """Deliver what is new.

        Raises:
            HarnessError: the tracker, or the ledger, cannot be reached.
        """
        study = self._workspace.ledger.study(self._name)
        if study is None:
            return
        tracker = self._begin(study)
        self._read()
        self._show_live(tracker)
        for identity, record in list(self._ended.items()):
            if self._whole.get(identity) != record:
                self._show_rest(tracker, record)
                tracker.project_run(record, _known_history(self._workspace.stages, record))
                self._whole[identity] = record
                self._show_live(tracker)  # runs that are alive need not wait until all ended ones are shown
        self._remove_ended()
        self._mark_dead_runs(tracker, study)

    def conclude(self) -> None:
        """Show how the study stands now that nothing is left to deliver.

        Raises:
            HarnessError: the tracker, or the ledger, cannot be reached.
        """
        if self._tracker and self._study:
            if len(self._ended) >= self._study.planned_runs:
                self._tracker.end_study(
                    self._study, outcome_of(self._workspace.home, self._study, list(self._ended.values()))
                )
            else:
                self._tracker.mark_dead_runs(self._study, self._attempts.alive())

    def _try(self, *, last: bool = False) -> HarnessError | None:
        """Deliver what is new; return the error if that failed, and log it unless it is the same as before."""
        try:
            self.deliver()
            if last:
                self.conclude()
        except HarnessError as error:
            if str(error) != self._last_error:
                log.warning("%s: not delivered yet: %s", self._name, error)
            self._tracker, self._marked_dead, self._last_error = None, None, str(error)
            return error
        self._last_error = ""
        return None

    def _begin(self, study: StudyRecord) -> AbstractTracker:
        """Return the tracker, in which the study as it is now was begun."""
        if self._tracker is None or study != self._study:
            tracker = self._tracker or self._open_tracker()
            tracker.begin_study(study)
            # Only now: if beginning fails, the next try opens a new tracker.
            self._tracker, self._study, self._whole, self._run_counts = tracker, study, {}, {}
        return self._tracker

    def _read(self) -> None:
        """Read the live files, and then the ledger: a run that ends in between is among those that have ended."""
        self._attempts.read()
        self._read_ended()

    def _read_ended(self) -> None:
        run_counts = self._workspace.ledger.run_counts().get(self._name, {})
        if run_counts != self._run_counts or not run_counts:
            self._ended = {run_identity(record): record for record in self._workspace.ledger.runs(self._name)}
            self._run_counts = run_counts

    def _show_live(self, tracker: AbstractTracker) -> None:
        """Show the runs that have not ended."""
        for attempt in self._attempts:
            if attempt.identity not in self._ended:
                attempt.read()
                if attempt.alive or attempt.points:
                    self._show(tracker, attempt)

    def _show_rest(self, tracker: AbstractTracker, record: RunRecord) -> None:
        """Show what only the live files have of a run that has ended."""
        for attempt in self._attempts:
            if attempt.identity == run_identity(record):
                attempt.read()
                if record.stages:  # the store has its curves; those of a run without stages are only here
                    attempt.forget()
                if attempt.points or (self._system and attempt.system.points):
                    self._show(tracker, attempt)

    def _show(self, tracker: AbstractTracker, attempt: Attempt) -> None:
        points = attempt.points | (attempt.system.points if self._system else {})
        tracker.show_live_run(attempt.record, points, attempt.began_ms)
        attempt.forget()
        attempt.system.points = {}

    def _mark_dead_runs(self, tracker: AbstractTracker, study: StudyRecord) -> None:
        """Show as killed the runs whose processes have been gone for a while."""
        gone = self._attempts.dead(for_s=GRACE_S)
        if not gone:
            return
        self._read_ended()  # the runs may have ended while others were shown
        dead = {attempt.path for attempt in gone if attempt.identity not in self._ended}
        if dead and dead != self._marked_dead:
            tracker.mark_dead_runs(study, [attempt.record for attempt in self._attempts if attempt.path not in dead])
            self._marked_dead = dead

    def _remove_ended(self) -> None:
        """Remove the live files of runs that are shown whole; all that was in them is in the store."""
        for attempt in self._attempts:
            if not attempt.alive and attempt.identity in self._whole:
                self._attempts.remove(attempt)

    def _undelivered(self, reason: str) -> Undelivered:
        tracker, study, runs, points = self._tracker, self._workspace.ledger.study(self._name), 0, 0
        for record in self._workspace.ledger.runs(self._name) if study else []:
            if study and self._whole.get(run_identity(record)) != record:
                entry = run_entry(study, record, _known_history(self._workspace.stages, record), self._points)
                count = sum(len(series.steps) for series in entry.metrics.values())
                points += max(0, count - (tracker.count_shown_points(record) if tracker else 0))
                runs += 1
        live = [attempt for attempt in self._attempts if attempt.identity not in self._ended]
        return Undelivered(runs, points + sum(len(attempt.points) for attempt in live), reason)


def _known_history(stages: Path, run: RunRecord) -> History:
    """Return the history of a run, or an empty one if it was removed from the store."""
    try:
        return run_history(stages, run.stages, test=run.opened_test)
    except FileNotFoundError:
        return History()

"""Projecting a study while it runs and afterwards: what the ledger and the live files have and the tracker has not."""

import fcntl
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import final

from harness.core.digest import digest
from harness.core.errors import HarnessError
from harness.staging.ledger import Ledger, RunRecord, StudyRecord
from harness.tracking._base import AbstractTracker
from harness.tracking.content.entry import run_entry, run_identity
from harness.tracking.delivery.outcome import outcome_of
from harness.tracking.delivery.project import known_history
from harness.tracking.live.attempts import Attempt, attempts
from harness.tracking.live.feed import live_folder

__all__ = ["Projector", "Undelivered", "projecting"]

log = logging.getLogger(__name__)

POLL_S = 1.0
FIRST_DELAY_S, MOST_DELAY_S = 1.0, 60.0
PATIENCE_S = 10.0
GRACE_S = 15.0  # a run whose process is gone may be a moment away from its line in the ledger


@dataclass(frozen=True)
class Undelivered:
    """What the tracker does not show yet, and why; falsy if it shows everything.

    Attributes:
        runs: that have ended and are not shown whole.
        points: of their curves, and of the curves of runs that are alive.
        reason: in a line.
    """

    runs: int = 0
    points: int = 0
    reason: str = ""

    def __bool__(self) -> bool:
        return bool(self.reason)


@final
class Projector:
    """Shows one study in one tracker. One projector at a time, see `projecting`.

    Args:
        ledger: which runs have ended, and how.
        home: where the live files are.
        store: where the histories of the runs that have ended are.
        study: its name.
        open_tracker: called again after every error: what was known of the tracker may no longer hold.
        system: whether to show what the processes that train take of the machine.
    """

    def __init__(
        self,
        ledger: Ledger,
        home: Path,
        store: Path,
        study: str,
        open_tracker: Callable[[], AbstractTracker],
        *,
        system: bool = False,
    ) -> None:
        self._ledger = ledger
        self._home = home
        self._store = store
        self._name = study
        self._open_tracker = open_tracker
        self._system = system
        self._tracker: AbstractTracker | None = None
        self._study: StudyRecord | None = None
        self._attempts: dict[Path, Attempt] = {}
        self._counts: dict[str, int] = {}
        self._ended: dict[str, RunRecord] = {}
        self._whole: dict[str, RunRecord] = {}
        self._settled: set[str] | None = None
        self._complaint = ""  # the last, which is not repeated

    def follow(self, stop: Event, *, poll_s: float = POLL_S) -> None:
        """Deliver what is new, again and again until `stop` is set, waiting longer after each failure."""
        delay = poll_s
        while not stop.wait(delay):
            delay = poll_s if self._try() is None else min(max(FIRST_DELAY_S, 2 * delay), MOST_DELAY_S)

    def finish(self, *, patience_s: float = PATIENCE_S) -> Undelivered:
        """Deliver everything; give up when the tracker has refused it for `patience_s`, and say what is left.

        Runs that have neither ended nor a living process are shown as killed.
        """
        limit, delay = time.monotonic() + patience_s, FIRST_DELAY_S
        self._counts = {}
        while (error := self._try(last=True)) and time.monotonic() + delay < limit:
            time.sleep(delay)
            delay *= 2
        return self._undelivered(str(error)) if error else Undelivered()

    def deliver(self) -> None:
        """Deliver what is new.

        Raises:
            HarnessError: the tracker, or the ledger, cannot be reached.
        """
        study = self._ledger.study(self._name)
        if study is None:
            return
        tracker = self._begun(study)
        self._look()
        self._show_live(tracker)
        for identity, record in list(self._ended.items()):
            if self._whole.get(identity) != record:
                self._show_rest(tracker, record)
                tracker.project_run(record, known_history(self._store, record))
                self._whole[identity] = record
                self._show_live(tracker)  # what is alive does not wait for all that has ended
        self._remove_ended()
        self._settle(tracker, study)

    def conclude(self) -> None:
        """Show how the study stands now that nothing is left to deliver.

        Raises:
            HarnessError: the tracker, or the ledger, cannot be reached.
        """
        if self._tracker and self._study:
            if len(self._ended) >= self._study.planned_runs:
                self._tracker.end_study(self._study, outcome_of(self._home, self._study, list(self._ended.values())))
            else:
                self._tracker.mark_dead_runs(self._study, self._alive())

    def _try(self, *, last: bool = False) -> HarnessError | None:
        try:
            self.deliver()
            if last:
                self.conclude()
        except HarnessError as error:
            if str(error) != self._complaint:
                log.warning("%s: not delivered yet: %s", self._name, error)
            self._tracker, self._settled, self._complaint = None, None, str(error)
            return error
        self._complaint = ""
        return None

    def _begun(self, study: StudyRecord) -> AbstractTracker:
        if self._tracker is None or study != self._study:
            tracker = self._tracker or self._open_tracker()
            tracker.begin_study(study)
            # Only now: until it has begun, every attempt begins anew.
            self._tracker, self._study, self._whole, self._counts = tracker, study, {}, {}
        return self._tracker

    def _look(self) -> None:
        """Read the live files, and then the ledger: a run that ends in between is found to have ended."""
        for path in attempts(self._home, self._name):
            if path not in self._attempts and (attempt := Attempt.open(path)):
                self._attempts[path] = attempt
        for attempt in self._attempts.values():
            attempt.read()
        counts = self._ledger.run_counts().get(self._name, {})
        if counts != self._counts or not counts:
            self._ended = {run_identity(record): record for record in self._ledger.runs(self._name)}
            self._counts = counts

    def _show_live(self, tracker: AbstractTracker) -> None:
        """Show the runs that have not ended."""
        for attempt in self._attempts.values():
            if run_identity(attempt.record) not in self._ended:
                attempt.read()
                if attempt.alive or attempt.points:
                    self._show(tracker, attempt)

    def _show_rest(self, tracker: AbstractTracker, record: RunRecord) -> None:
        """Show what only the live files have of a run that has ended."""
        for attempt in self._attempts.values():
            if run_identity(attempt.record) == run_identity(record):
                attempt.read()
                if record.stages:  # without any, what led to its end is nowhere else
                    attempt.points = {}
                if attempt.points or (self._system and attempt.system.points):
                    self._show(tracker, attempt)

    def _show(self, tracker: AbstractTracker, attempt: Attempt) -> None:
        points = attempt.points | (attempt.system.points if self._system else {})
        tracker.show_live_run(attempt.record, points, attempt.began_ms)
        attempt.points, attempt.system.points = {}, {}

    def _alive(self) -> list[RunRecord]:
        return [attempt.record for attempt in self._attempts.values() if attempt.alive]

    def _settle(self, tracker: AbstractTracker, study: StudyRecord) -> None:
        """Show deaths that are certain by now."""
        now = time.time()
        lost = [attempt for attempt in self._attempts.values() if not attempt.alive]
        gone = {str(attempt.path) for attempt in lost if now - attempt.modified > GRACE_S}
        if gone and gone != self._settled:
            recent = [attempt.record for attempt in lost if str(attempt.path) not in gone]
            tracker.mark_dead_runs(study, self._alive() + recent)
            self._settled = gone

    def _remove_ended(self) -> None:
        """Remove the live files of runs that are shown whole; the store has all that was in them."""
        for path, attempt in list(self._attempts.items()):
            if not attempt.alive and run_identity(attempt.record) in self._whole:
                with suppress(OSError):
                    path.unlink(missing_ok=True)
                del self._attempts[path]

    def _undelivered(self, reason: str) -> Undelivered:
        tracker, study, runs, points = self._tracker, self._ledger.study(self._name), 0, 0
        for record in self._ledger.runs(self._name) if study else []:
            if study and self._whole.get(run_identity(record)) != record:
                entry = run_entry(study, record, known_history(self._store, record))
                count = sum(len(series.steps) for series in entry.metrics.values())
                points += count - (tracker.count_shown_points(record) if tracker else 0)
                runs += 1
        live = [attempt for attempt in self._attempts.values() if run_identity(attempt.record) not in self._ended]
        return Undelivered(runs, points + sum(len(attempt.points) for attempt in live), reason)


@contextmanager
def projecting(home: Path, study: str, tracking_uri: str, *, patience_s: float | None = None) -> Iterator[None]:
    """Take the study's turn to be projected to `tracking_uri`, waiting for `patience_s`, or for ever.

    Raises:
        HarnessError: another process has it.
    """
    folder = live_folder(home, study)
    folder.mkdir(parents=True, exist_ok=True)
    limit = None if patience_s is None else time.monotonic() + patience_s
    with (folder / f".{digest(tracking_uri)[:16]}.lock").open("a") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if limit is not None and time.monotonic() > limit:
                    raise HarnessError(
                        f"study {study!r} is being delivered by another process, which goes on; "
                        "wait until it has ended, or stop it, and call `harness sync` again"
                    ) from None
                time.sleep(0.2)
        yield

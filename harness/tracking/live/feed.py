"""Writing down what a run measures while it trains, for the process that shows it.

Each attempt at a run has a file of its own under `<home>/live/<study>/`, written by the process that trains and locked
by it for as long as it lives. Nothing depends on it: a run that has ended is in the ledger and the store, so a lost
file loses nothing.
"""

import fcntl
import logging
import os
import time
import uuid
from abc import ABC, abstractmethod
from pathlib import Path
from typing import final

from harness.core.history import History
from harness.staging.ledger import RunRecord
from harness.tracking.live.format import SUFFIX, encode_part, encode_start, live_folder
from harness.tracking.live.frames import frame
from harness.tracking.live.system_metrics import SAMPLE_EVERY_S, process_usage

__all__ = ["NO_FEED", "AbstractFeed", "LiveFeed", "NoFeed"]

log = logging.getLogger(__name__)


class AbstractFeed(ABC):
    """Receives what runs measure while they train. Its methods return at once and never raise."""

    @abstractmethod
    def begin(self, record: RunRecord) -> None:
        """Begin an attempt at a run; `record` is all that is known of it, and its status is ignored."""

    @abstractmethod
    def append(self, run_id: str, part: History) -> None:
        """Add what the run begun last with this id has measured since the part before."""

    @abstractmethod
    def end(self, run_id: str) -> None:
        """End the attempt; how it ended is in the ledger."""


@final
class NoFeed(AbstractFeed):
    """Drops everything: no process shows the runs while they train."""

    def begin(self, record: RunRecord) -> None:
        """Do nothing."""

    def append(self, run_id: str, part: History) -> None:
        """Do nothing."""

    def end(self, run_id: str) -> None:
        """Do nothing."""


NO_FEED = NoFeed()


@final
class LiveFeed(AbstractFeed):
    """Writes what runs measure to files in `home`; any number of processes may do so at once.

    A file that cannot be written, on a full disk for example, is abandoned with a warning; its run is shown when it
    ends.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._open: dict[str, int] = {}
        self._sampled = 0.0

    def begin(self, record: RunRecord) -> None:
        """Start a file for this attempt."""
        self.end(record.run_id)
        self._sampled = time.monotonic()
        try:
            self._open[record.run_id] = _start(live_folder(self._home, record.study), record)
        except OSError as error:
            log.warning("trial %s · %s is not shown before it ends (%s)", record.trial, record.arm, error)

    def append(self, run_id: str, part: History) -> None:
        """Append the part to the file."""
        if run_id in self._open and len(part):
            now = time.monotonic()
            due = now - self._sampled >= SAMPLE_EVERY_S
            self._sampled = now if due else self._sampled
            self._write(run_id, frame(encode_part(part, process_usage() if due else {})))

    def end(self, run_id: str) -> None:
        """Close the file, which releases its lock: readers see that the attempt is over."""
        if run_id in self._open:
            self._write(run_id, frame(encode_part(History(), process_usage())))
            self._close(run_id)

    def _write(self, run_id: str, content: bytes) -> None:
        try:
            # A frame that is written in part would hide all that follow it.
            torn = os.write(self._open[run_id], content) < len(content)
        except OSError:
            torn = True
        if torn:
            log.warning("run %s is not shown further before it ends: its live file cannot be written", run_id)
            self._close(run_id)

    def _close(self, run_id: str) -> None:
        descriptor = self._open.pop(run_id, None)
        if descriptor is not None:
            os.close(descriptor)


def _start(folder: Path, record: RunRecord) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    attempt = uuid.uuid4().hex
    # First under a name that no reader looks for: a reader must find the file locked, and with its first frame.
    beside = folder / f".{attempt}"
    descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, frame(encode_start(record, process_usage())))
        beside.rename(folder / f"{attempt}{SUFFIX}")
    except OSError:
        os.close(descriptor)
        beside.unlink(missing_ok=True)
        raise
    return descriptor

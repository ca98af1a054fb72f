"""What runs that are alive have measured so far, for whoever shows them.

Each attempt at a run has a file of its own under `<home>/live/<study>/`, written by the process that trains and locked
by it for as long as it lives. It is no truth: what ended is in the ledger and the store, and a lost file loses nothing.
"""

import fcntl
import json
import logging
import os
import time
import uuid
from abc import ABC, abstractmethod
from array import array
from pathlib import Path
from typing import final

from harness.core.history import History
from harness.staging.ledger import RunRecord
from harness.tracking.live.frames import frame
from harness.tracking.live.system_metrics import EVERY_S, taken

__all__ = ["ENDING", "NOBODY", "RECORDED", "AbstractFeed", "LiveFeed", "NoFeed", "live_folder"]

log = logging.getLogger(__name__)

ENDING = ".live"
RECORDED = ("study", "trial", "arm", "seed", "run_id", "params", "config", "commit")  # of a run that begins


def live_folder(home: Path, study: str) -> Path:
    """Return the folder of the files of a study's live runs."""
    return home / "live" / study


class AbstractFeed(ABC):
    """Hears what runs measure while they train. Its methods return at once and never raise."""

    @abstractmethod
    def begin(self, record: RunRecord) -> None:
        """An attempt at a run begins; `record` is all that is known of it, its status is not looked at."""

    @abstractmethod
    def append(self, run_id: str, part: History) -> None:
        """The run that was begun last with this id has measured `part`, never given before."""

    @abstractmethod
    def end(self, run_id: str) -> None:
        """The attempt is over, however it ended; the ledger says how."""


@final
class NoFeed(AbstractFeed):
    """Nobody listens."""

    def begin(self, record: RunRecord) -> None:
        """Do nothing."""

    def append(self, run_id: str, part: History) -> None:
        """Do nothing."""

    def end(self, run_id: str) -> None:
        """Do nothing."""


NOBODY = NoFeed()


@final
class LiveFeed(AbstractFeed):
    """Writes what runs measure to files in `home`; any number of processes may.

    A file that cannot be written, on a full disk for example, is given up with a warning: its run is shown at its end.
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
        """Write the part behind what the file has."""
        if run_id in self._open and len(part):
            now = time.monotonic()
            due = now - self._sampled >= EVERY_S
            self._sampled = now if due else self._sampled
            self._write(run_id, frame(_content(part, sampled=due)))

    def end(self, run_id: str) -> None:
        """Close the file, which tells whoever reads it that nobody writes to it any more."""
        if run_id in self._open:
            self._write(run_id, frame(_content(History(), sampled=True)))
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
    # Under a name that nobody reads: who finds the file must find it locked, with its first frame.
    beside = folder / f".{attempt}"
    descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, frame(_first(record)))
        beside.rename(folder / f"{attempt}{ENDING}")
    except OSError:
        os.close(descriptor)
        beside.unlink(missing_ok=True)
        raise
    return descriptor


def _first(record: RunRecord) -> bytes:
    about = {"began": time.time(), **taken()}
    return json.dumps(about | {name: getattr(record, name) for name in RECORDED}).encode()


def _content(part: History, *, sampled: bool) -> bytes:
    """Return a line of JSON, and behind it all steps (int64) and values (float64) of all series."""
    columns = [(name, part[name]) for name in part]
    lengths = [[name, len(series.steps)] for name, series in columns]
    head = {"ms": int(time.time() * 1000), "series": lengths, **(taken() if sampled else {})}
    steps, values = array("q"), array("d")
    for _, series in columns:
        steps.extend(series.steps)
        values.extend(series.values)
    return json.dumps(head).encode() + b"\n" + steps.tobytes() + values.tobytes()

"""Reading what runs that are alive have measured so far."""

import fcntl
import logging
import os
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Self, final

from harness.core.history import History
from harness.staging.ledger import RunRecord
from harness.tracking.content.entry import run_identity
from harness.tracking.content.keys import metric_keys
from harness.tracking.content.points import Point, numbered
from harness.tracking.content.thinning import Thinning, TrackingPoints
from harness.tracking.live.format import UNREADABLE, Frame, Start, decode_part, decode_start, live_files
from harness.tracking.live.frames import whole_frames
from harness.tracking.live.system_metrics import SystemMetrics

__all__ = ["Attempt", "Attempts", "Readers"]

log = logging.getLogger(__name__)


@final
class Attempt:
    """An attempt at a run, as far as its file has been read.

    Attributes:
        path: of the file.
        record: what was known when it began.
        identity: of the run.
        began_ms: when the attempt began, in milliseconds since 1970.
        alive: whether the process that writes the file was alive when the file was last read.
        modified: when the file was last written, in seconds since 1970.
        system: what the process uses of its machine.
    """

    def __init__(self, path: Path, start: Start, end: int, points: TrackingPoints) -> None:
        self.path = path
        self.record = start.record
        self.identity = run_identity(start.record)
        self.began_ms = int(1000 * start.began)
        self.alive = True
        self.modified = start.began
        self.system = SystemMetrics()
        self.system.add(self.began_ms, start.usage)
        self._end = end
        self._thinning = Thinning(start.record.config) if points == "thinned" else None
        self._frames: list[Frame] = []  # of which no points were made yet; of a run that has ended nobody asks for them
        self._points: dict[Point, int] = {}
        self._counts: dict[tuple[str, int, float], int] = {}

    @classmethod
    def open(cls, path: Path, points: TrackingPoints = "thinned") -> Self | None:
        """Return the attempt whose file is at `path`, or None if that is no such file, or was removed."""
        try:
            content, end = next(whole_frames(path.read_bytes()))
            return cls(path, decode_start(content), end, points)
        except (OSError, StopIteration, *UNREADABLE):
            return None

    def read(self) -> None:
        """Read what is new; a frame that is torn is left until it is whole, one that nobody can read is passed over."""
        try:
            self.alive = _is_locked(self.path)  # first: what is written before a death is then read for certain
            with self.path.open("rb") as file:
                self.modified = os.fstat(file.fileno()).st_mtime
                file.seek(self._end)
                data = file.read()
        except OSError:  # its run has ended, and another process has removed it
            self.alive = False
            return
        start = self._end
        for content, end in whole_frames(data):
            self._end = start + end
            try:
                part = decode_part(content)
            except UNREADABLE:
                log.warning("passing over a part of %s that cannot be read; its run is whole when it ends", self.path)
                continue
            self.system.add(part.ms, part.usage)
            self._frames.append(part)

    @property
    def points(self) -> dict[Point, int]:
        """What was read and not yet shown, with times in milliseconds since 1970; whoever shows it calls `forget`."""
        frames, self._frames = [part for part in self._frames if part.series], []
        if frames:
            self._add(frames)
        return self._points

    def forget(self) -> None:
        """Forget the points that were read."""
        self._frames, self._points = [], {}

    def _add(self, frames: Sequence[Frame]) -> None:
        """Make points of frames, together: what is left out of each alone takes more time to find."""
        measured = History()
        for part in frames:
            for name, series in part.series.items():
                measured.extend(name, series)
        whole = {name: measured[name] for name in measured}
        keys = metric_keys(whole)
        last_steps = [max(series.steps[-1] for series in part.series.values()) for part in frames]
        for name, shown in (self._thinning.shown(whole) if self._thinning else whole).items():
            for point in numbered(keys[name], zip(shown.steps, shown.values, strict=True), self._counts):
                nth = min(bisect_left(last_steps, point.step), len(frames) - 1)  # steps of a damaged frame go back
                self._points[point] = frames[nth].ms + point.nth


@final
class Readers:
    """Counts, over threads, how many of those that read the same files are done with each."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._done = Counter[Path]()
        self._lock = Lock()

    def is_last(self, file: Path) -> bool:
        """Count one more that is done with a file, and return whether it is the last."""
        with self._lock:
            self._done[file] += 1
            return self._done[file] >= self._number


@final
class Attempts:
    """The attempts at runs of one study, as their files show them.

    Args:
        home: where the files are.
        study: its name.
        points: which of those that are read are kept.
        readers: how many read the same files in this process: the last of them that is done with one removes it.
    """

    def __init__(
        self, home: Path, study: str, points: TrackingPoints = "thinned", readers: "Readers | None" = None
    ) -> None:
        self._home = home
        self._readers = readers or Readers(1)
        self._points = points
        self._study = study
        self._by_path: dict[Path, Attempt] = {}
        self._done = set[Path]()

    def __iter__(self) -> Iterator[Attempt]:
        return iter(list(self._by_path.values()))

    def read(self) -> None:
        """Find new files, and read what is new in all of them."""
        for path in live_files(self._home, self._study):
            if path not in self._by_path.keys() | self._done and (attempt := Attempt.open(path, self._points)):
                self._by_path[path] = attempt
        for attempt in self:
            attempt.read()

    def alive(self) -> list[RunRecord]:
        """Return the runs whose processes are alive."""
        return [attempt.record for attempt in self if attempt.alive]

    def dead(self, for_s: float) -> list[Attempt]:
        """Return the attempts whose processes are gone and have written nothing for `for_s` seconds."""
        now = time.time()
        return [attempt for attempt in self if not attempt.alive and now - attempt.modified > for_s]

    def remove(self, attempt: Attempt) -> None:
        """Remove the file of an attempt, if nobody else reads it, and forget it."""
        self._done.add(attempt.path)
        if self._readers.is_last(attempt.path):
            with suppress(OSError):
                attempt.path.unlink(missing_ok=True)
        del self._by_path[attempt.path]


def _is_locked(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False

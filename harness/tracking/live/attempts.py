"""Reading what runs that are alive have measured so far."""

import fcntl
import json
import os
from array import array
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, final

from harness.staging.ledger import RunRecord
from harness.tracking.content.keys import metric_keys
from harness.tracking.content.points import Point, numbered
from harness.tracking.live.feed import ENDING, RECORDED, live_folder
from harness.tracking.live.frames import whole_frames
from harness.tracking.live.system_metrics import SystemMetrics

__all__ = ["Attempt", "attempts"]


@final
class Attempt:
    """An attempt at a run, as far as its file has been read.

    Attributes:
        path: of the file.
        record: what was known when it began.
        began_ms: when that was, in milliseconds since 1970.
        alive: whether the process that writes the file was there when it was read last.
        modified: when it was written last, in seconds since 1970.
        points: what was read, until somebody takes it away; with times in milliseconds since 1970.
        system: what the process took of its machine.
    """

    def __init__(self, path: Path, first: Mapping[str, Any], end: int) -> None:
        self.path = path
        self.began_ms = int(1000 * first["began"])
        known = {name: first[name] for name in first if name in RECORDED}
        self.record = RunRecord(**known, status="running")
        self.alive = True
        self.modified = first["began"]
        self.points: dict[Point, int] = {}
        self.system = SystemMetrics()
        self.system.add(self.began_ms, first)
        self._end = end
        self._seen: dict[tuple[str, int, float], int] = {}

    @classmethod
    def open(cls, path: Path) -> Self | None:
        """Return the attempt whose file is at `path`, or None if that is no such file, or gone."""
        try:
            content, end = next(whole_frames(path.read_bytes()))
            return cls(path, json.loads(content), end)
        except (OSError, StopIteration, ValueError, KeyError, TypeError):
            return None

    def read(self) -> None:
        """Read what is new; a frame that is torn is left until it is whole."""
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
            self._take(content)
            self._end = start + end

    def _take(self, content: bytes) -> None:
        """Add the points of a frame, which `harness.tracking.live.feed` describes."""
        line, _, columns = content.partition(b"\n")
        head = json.loads(line)
        self.system.add(head["ms"], head)
        steps, values = array("q"), array("d")
        half = len(columns) // 2
        steps.frombytes(columns[:half])
        values.frombytes(columns[half:])
        keys, start = metric_keys(name for name, _ in head["series"]), 0
        for name, count in head["series"]:
            pairs = zip(steps[start : start + count], values[start : start + count], strict=True)
            for point in numbered(keys[name], pairs, self._seen):
                self.points[point] = head["ms"] + point.nth
            start += count


def attempts(home: Path, study: str) -> list[Path]:
    """Return the files of the attempts at runs of a study."""
    return sorted(live_folder(home, study).glob(f"[!.]*{ENDING}"))


def _is_locked(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False

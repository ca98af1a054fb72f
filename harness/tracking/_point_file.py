"""Points that runs measured while they trained, in a file that only grows, for trackers that write files."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import final

from harness.tracking.content.points import Point

__all__ = ["PointFile"]


@final
class PointFile:
    """The points of a run, each on a line; a line that a kill has torn is cut off.

    Attributes:
        points: that are in the file, with the milliseconds since 1970 at which each was measured.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.points: dict[Point, int] = {}
        if file.exists():
            self._read()

    def add(self, points: Mapping[Point, int]) -> dict[Point, int]:
        """Add the points that are not in the file, and return them."""
        new = {point: ms for point, ms in points.items() if point not in self.points}
        if new:
            with self._file.open("ab") as file:
                file.write(_lines(new))
            self.points |= new
        return new

    def keep(self, points: Mapping[Point, int]) -> None:
        """Keep these points alone; without any, there is no file."""
        if not points:
            self._file.unlink(missing_ok=True)
            self.points = {}
        elif points != self.points:
            beside = self._file.with_name(f".{self._file.name}.new")
            beside.write_bytes(_lines(points))
            beside.replace(self._file)
            self.points = dict(points)

    def _read(self) -> None:
        data = self._file.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        for line in whole.splitlines():
            *point, ms = json.loads(line)
            self.points[Point(*point)] = ms
        if len(whole) < len(data):
            os.truncate(self._file, len(whole))


def _lines(points: Mapping[Point, int]) -> bytes:
    return b"".join(json.dumps([*point, ms]).encode() + b"\n" for point, ms in points.items())

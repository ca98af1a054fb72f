"""What a process that trains takes of its machine, as points of its run.

It samples itself, when a run begins, every few seconds, and when it ends: so also a run of a fraction of a second has
two samples, and nobody must look at the right moment.
"""

import time
from collections.abc import Mapping
from typing import final

import psutil

from harness.tracking.content.keys import SYSTEM
from harness.tracking.content.points import Point

__all__ = ["EVERY_S", "SystemMetrics", "taken"]

EVERY_S = 5.0  # a sample takes some 50 µs
MEMORY, PROCESSOR = "memory_bytes", "processor_s"


def taken() -> dict[str, float]:
    """Return what this process takes now: its memory in bytes, and processor time since it began in seconds."""
    return {MEMORY: float(psutil.Process().memory_info().rss), PROCESSOR: time.process_time()}


@final
class SystemMetrics:
    """Makes points of the samples of one attempt at a run.

    Their step is the time since the run began, in seconds. `system/cpu_percent` is the share of one core since the
    sample before, over 100 with several threads.

    Attributes:
        points: that somebody may take away; with times in milliseconds since 1970.
    """

    def __init__(self) -> None:
        self.points: dict[Point, int] = {}
        self._began_ms = 0
        self._before: tuple[int, float] | None = None

    def add(self, ms: int, sample: Mapping[str, float]) -> None:
        """Add what `taken` said `ms` milliseconds after 1970, if it is in `sample`."""
        if MEMORY not in sample or PROCESSOR not in sample:
            return
        values = {"memory_bytes": sample[MEMORY]}
        if self._before is None:
            self._began_ms = ms
        else:
            before_ms, before_s = self._before
            values["cpu_percent"] = 1e5 * (sample[PROCESSOR] - before_s) / max(ms - before_ms, 1)
        self._before = ms, sample[PROCESSOR]
        step = max(0, ms - self._began_ms) // 1000  # clocks can be set back
        self.points |= {Point(f"{SYSTEM}{name}", step, value): ms for name, value in values.items()}

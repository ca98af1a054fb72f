"""What a process that trains uses of its machine, as points of its run.

The process samples itself: when a run begins, every few seconds, and when the run ends. So a run of a fraction of a
second has two samples as well, and no other process has to look at the right moment.
"""

import time
from collections.abc import Mapping
from typing import final

import psutil

from harness.tracking.content.keys import SYSTEM
from harness.tracking.content.points import Point

__all__ = ["SAMPLE_EVERY_S", "USAGE", "SystemMetrics", "process_usage"]

SAMPLE_EVERY_S = 5.0  # a sample takes some 50 µs
MEMORY, PROCESSOR = USAGE = ("memory_bytes", "processor_s")


def process_usage() -> dict[str, float]:
    """Return what this process uses: its memory in bytes, and the processor time since it began in seconds."""
    return {MEMORY: float(psutil.Process().memory_info().rss), PROCESSOR: time.process_time()}


@final
class SystemMetrics:
    """Makes points of the samples of one attempt at a run.

    Their step is the time since the run began, in seconds. `system/cpu_percent` is the share of one core since the
    sample before, over 100 with several threads.

    Attributes:
        points: not yet shown, with times in milliseconds since 1970; whoever shows them removes them.
    """

    def __init__(self) -> None:
        self.points: dict[Point, int] = {}
        self._began_ms = 0
        self._before: tuple[int, float] | None = None

    def add(self, ms: int, usage: Mapping[str, float]) -> None:
        """Add what `process_usage` returned `ms` milliseconds after 1970; do nothing if `usage` is empty."""
        if MEMORY not in usage or PROCESSOR not in usage:
            return
        values = {"memory_bytes": usage[MEMORY]}
        if self._before is None:
            self._began_ms = ms
        else:
            before_ms, before_s = self._before
            values["cpu_percent"] = 1e5 * (usage[PROCESSOR] - before_s) / max(ms - before_ms, 1)
        self._before = ms, usage[PROCESSOR]
        step = max(0, ms - self._began_ms) // 1000  # clocks can be set back
        self.points |= {Point(f"{SYSTEM}{name}", step, value): ms for name, value in values.items()}

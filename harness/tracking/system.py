"""What a process that trains takes of its machine, as points of its run.

It samples itself, when it begins and whenever it tells what it has measured: so also a run of a fraction of a second
has a first and a last sample, and nobody must look at the right moment.
"""

import time
from collections.abc import Mapping
from typing import final

import psutil

from harness.tracking.points import Point

__all__ = ["FLAG", "SYSTEM", "SystemMetrics", "taken"]

SYSTEM = "system/"  # the UI shows such metrics on a page of their own
FLAG = "--system-metrics"
EVERY_MS = 5000
MEMORY, PROCESSOR = "memory_bytes", "processor_s"


def taken() -> dict[str, float]:
    """Return what this process takes now: its memory in bytes, and processor time since it began in seconds."""
    return {MEMORY: float(psutil.Process().memory_info().rss), PROCESSOR: time.process_time()}


@final
class SystemMetrics:
    """Makes points of the samples of one attempt at a run: of the first, one every few seconds, and of the last.

    Their step is the time since the run began, in seconds. `system/cpu_percent` is the share of one core since the
    point before, over 100 with several threads.

    Attributes:
        points: that somebody may take away; with times in milliseconds since 1970.
    """

    def __init__(self) -> None:
        self.points: dict[Point, int] = {}
        self._samples: list[tuple[int, float, float]] = []  # the first, that of the last point, and the newest

    def add(self, ms: int, sample: Mapping[str, float]) -> None:
        """Add what `taken` said `ms` milliseconds after 1970; a sample without it is no sample."""
        if MEMORY in sample and PROCESSOR in sample:
            self._samples[2:] = [(ms, sample[MEMORY], sample[PROCESSOR])]
            if len(self._samples) == 1:
                self._samples *= 2
                self._show(ms, memory_bytes=sample[MEMORY])
            elif ms - self._samples[1][0] >= EVERY_MS:
                self.close()

    def close(self) -> None:
        """Make points of the newest sample, if there are none of it yet."""
        if len(self._samples) > 2:
            (before_ms, _, before_s), (ms, memory, processor_s) = self._samples[1:]
            percent = 100 * (processor_s - before_s) / max(1e-3 * (ms - before_ms), 1e-3)
            self._show(ms, memory_bytes=memory, cpu_percent=percent)
            del self._samples[1]

    def _show(self, ms: int, **values: float) -> None:
        step = max(0, ms - self._samples[0][0]) // 1000  # clocks can be set back
        self.points |= {Point(f"{SYSTEM}{name}", step, value): ms for name, value in values.items()}

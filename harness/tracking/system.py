"""What a process that trains takes of its machine, as points of its run."""

import time
from collections.abc import Mapping
from typing import final

import psutil

from harness.tracking.points import Point

__all__ = ["FLAG", "SYSTEM", "SystemMetrics"]

SYSTEM = "system/"  # the UI shows such metrics on a page of their own
FLAG = "--system-metrics"
EVERY_S = 5.0


@final
class SystemMetrics:
    """Samples processor time and memory of processes, from outside: who trains takes no part in it.

    Args:
        every_s: between two samples of one run.
    """

    def __init__(self, every_s: float = EVERY_S) -> None:
        self._every_s = every_s
        self._processes: dict[int, psutil.Process] = {}
        self._sampled: dict[str, float] = {}

    def sample(self, run_id: str, pid: int, began_ms: int) -> Mapping[Point, int]:
        """Return new points of a run that process `pid` trains, or none if it is not yet time or there is no process.

        Their step is the time since the run began, in seconds. `system/cpu_percent` is the share of one core since the
        last sample, over 100 with several threads.
        """
        now = time.time()
        if now - self._sampled.get(run_id, 0.0) < self._every_s:
            return {}
        try:
            found = self._measured(pid)
        except psutil.Error:
            self._processes.pop(pid, None)
            return {}
        self._sampled[run_id] = now
        step, now_ms = max(0, int(now - began_ms / 1000)), int(1000 * now)
        return {Point(f"{SYSTEM}{name}", step, value): now_ms for name, value in found.items()}

    def _measured(self, pid: int) -> dict[str, float]:
        known = self._processes.get(pid)
        process = self._processes[pid] = known or psutil.Process(pid)
        found = {"memory_bytes": float(process.memory_info().rss)}
        percent = process.cpu_percent()
        # The first answer has nothing to compare with, and is 0.
        return found | {"cpu_percent": percent} if known else found

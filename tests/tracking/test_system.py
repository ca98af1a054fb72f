import os
import subprocess
import sys
import time

import pytest

from harness.tracking.system import SystemMetrics


def test_memory_and_processor_time_are_points_at_the_seconds_of_the_run() -> None:
    system, pid, began_ms = SystemMetrics(every_s=0.0), os.getpid(), int(1000 * (time.time() - 60))

    first = system.sample("run", pid, began_ms)
    limit = time.monotonic() + 0.2
    while time.monotonic() < limit:
        pass
    second = {point.key: point for point in system.sample("run", pid, began_ms)}

    assert {point.key for point in first} == {"system/memory_bytes"}
    assert second["system/memory_bytes"].value > 1e7
    assert second["system/cpu_percent"].value > 0
    assert second["system/cpu_percent"].step in (60, 61)


def test_a_run_is_sampled_seldom_and_each_run_on_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    system, now = SystemMetrics(every_s=5.0), [1000.0]
    monkeypatch.setattr("harness.tracking.system.time.time", lambda: now[0])

    counts = []
    for now[0], run in ((1000.0, "a"), (1004.0, "a"), (1004.0, "b"), (1005.0, "a")):
        counts.append(len(system.sample(run, os.getpid(), 0)))

    assert [count > 0 for count in counts] == [True, False, True, True]


def test_a_process_that_is_gone_has_no_points() -> None:
    system = SystemMetrics(every_s=0.0)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        alive = system.sample("run", process.pid, 0)
        process.kill()

    assert alive
    assert not system.sample("run", process.pid, 0)
    assert not system.sample("run", process.pid, 0)

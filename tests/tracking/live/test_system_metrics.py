import time

from harness.tracking.content.points import Point
from harness.tracking.live.system_metrics import SystemMetrics, process_usage


def sample(memory: float, processor_s: float) -> dict[str, float]:
    return {"memory_bytes": memory, "processor_s": processor_s}


def test_a_process_says_what_it_takes() -> None:
    before = process_usage()
    limit = time.process_time() + 0.02
    while time.process_time() < limit:
        pass
    after = process_usage()

    assert after["memory_bytes"] > 1e7
    assert 0.01 < after["processor_s"] - before["processor_s"] < 10


def test_samples_are_points_at_the_seconds_of_the_run() -> None:
    system, began = SystemMetrics(), 1_700_000_000_000

    for second, processor_s in ((0, 3.0), (5, 5.5), (7, 9.5)):
        system.add(began + 1000 * second, sample(100.0 + second, processor_s))

    assert system.points == {
        Point("system/memory_bytes", 0, 100.0): began,
        Point("system/memory_bytes", 5, 105.0): began + 5000,
        Point("system/cpu_percent", 5, 50.0): began + 5000,
        Point("system/memory_bytes", 7, 107.0): began + 7000,
        Point("system/cpu_percent", 7, 200.0): began + 7000,
    }


def test_a_clock_that_is_set_back_spoils_no_point() -> None:
    system = SystemMetrics()

    for ms, memory in ((10_000, 1.0), (4_000, 2.0)):
        system.add(ms, sample(memory, 0.0))

    assert [(point.step, point.value) for point in system.points] == [(0, 1.0), (0, 2.0), (0, 0.0)]


def test_what_is_no_sample_gives_no_points() -> None:
    system = SystemMetrics()

    system.add(0, {"ms": 0.0})

    assert system.points == {}

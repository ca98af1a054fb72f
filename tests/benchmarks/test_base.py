import time

import pytest

from harness.benchmarks._base import Figure, Stopwatch, interleaved_best, interleaved_medians, interleaved_ratio


def test_a_figure_knows_whether_it_meets_its_target() -> None:
    assert (Figure.below("a", 4.9, 5).met, Figure.below("a", 5, 5).met) == (True, False)
    assert (Figure.at_least("a", 5, 5).met, Figure.at_least("a", 4.9, 5).met) == (True, False)
    assert Figure("a", 1).met is None


def test_actions_take_turns_and_the_first_round_does_not_count() -> None:
    done: list[str] = []

    medians = interleaved_medians([lambda: done.append("a"), lambda: done.append("b")], rounds=2)

    assert done == ["a", "b"] * 3
    assert len(medians) == 2


def test_the_time_of_the_first_round_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, durations = [0.0], iter([100.0, 1.0, 3.0])
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])

    def act() -> None:
        clock[0] += next(durations)

    assert interleaved_medians([act], rounds=2) == [2.0]


def test_a_ratio_is_that_of_a_round_and_not_moved_by_a_machine_that_slows_down() -> None:
    now, slowness = [0.0], iter([9.0, 9.0, 1.0, 1.0, 1.0, 5.0, 20.0, 20.0])

    def spend(seconds: float) -> None:
        now[0] += seconds * next(slowness)

    ratio = interleaved_ratio(lambda: spend(2.0), lambda: spend(3.0), rounds=3, clock=lambda: now[0])

    assert ratio == pytest.approx(1.5)


def test_a_stopwatch_counts_its_actions_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, watch = [0.0], Stopwatch()
    monkeypatch.setattr(time, "process_time", lambda: clock[0])

    def spend(seconds: float) -> str:
        clock[0] += seconds
        return "done"

    def act() -> None:
        spend(10.0)
        assert watch.time(lambda: spend(2.0)) == "done"

    assert interleaved_best([act], rounds=2, clock=watch) == [2.0]

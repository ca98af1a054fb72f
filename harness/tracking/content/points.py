"""Points of curves and their identity, by which none is lost and none is shown twice."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from harness.core.history import Series

__all__ = ["Point", "finite", "non_finite", "numbered", "points_of"]


class Point(NamedTuple):
    """A value of a metric at a step; `nth` numbers equal ones (a growth may leave an accuracy the same)."""

    key: str
    step: int
    value: float
    nth: int = 0


def numbered(key: str, pairs: Iterator[tuple[int, float]], seen: dict[tuple[str, int, float], int]) -> Iterator[Point]:
    """Yield the finite ones of `pairs` of step and value as points; `seen` counts equal ones and is updated."""
    for step, value in pairs:
        if math.isfinite(value):
            nth = seen.get((key, step, value), 0)
            seen[key, step, value] = nth + 1
            yield Point(key, step, value, nth)


def points_of(metrics: Mapping[str, Series], time_ms: Callable[[int], int]) -> dict[Point, int]:
    """Return the time of each finite point, in milliseconds since 1970; `time_ms` returns that of a step.

    Equal points get different times, because MLflow stores points that are equal in all fields only once.
    """
    seen: dict[tuple[str, int, float], int] = {}
    return {
        point: time_ms(point.step) + point.nth
        for key, series in metrics.items()
        for point in numbered(key, zip(series.steps, series.values, strict=True), seen)
    }


def finite(series: Series) -> Series:
    """Return the values that are neither NaN nor infinite; MLflow would store infinity as 1.8e308."""
    if all(map(math.isfinite, series.values)):
        return series
    kept = [(step, value) for step, value in zip(series.steps, series.values, strict=True) if math.isfinite(value)]
    return Series([step for step, _ in kept], [value for _, value in kept])


def non_finite(series: Series) -> int:
    """Return how many values are NaN or infinite."""
    return len(series.values) - sum(map(math.isfinite, series.values))

"""A series as a tracker draws it: few points, all finite, one per step."""

import math

from harness.core.history import Series

__all__ = ["MOST_POINTS", "curve", "non_finite"]

MOST_POINTS = 320  # as many as a chart of the MLflow UI asks for


def curve(series: Series) -> dict[int, float]:
    """Return the finite values by step: at most `MOST_POINTS`, evenly spread, the first and last included.

    Of two values at one step (before and after a growth) the later one is kept. The complete series stays in
    the store; a UI that draws ten thousand points a curve freezes.
    """
    points = {step: value for step, value in zip(series.steps, series.values, strict=True) if math.isfinite(value)}
    if len(points) <= MOST_POINTS:
        return points
    steps = list(points)
    last, gaps = len(steps) - 1, MOST_POINTS - 1
    return {step: points[step] for step in (steps[round(i * last / gaps)] for i in range(MOST_POINTS))}


def non_finite(series: Series) -> int:
    """Return how many values are NaN or infinite."""
    return sum(not math.isfinite(value) for value in series.values)

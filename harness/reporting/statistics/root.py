"""Where a function is zero, by Brent's method (1973, chapter 4)."""

from collections.abc import Callable

__all__ = ["root"]

WITHIN, RELATIVE, MOST_STEPS = 2e-12, 4 * 2.0**-52, 100  # as SciPy has them


def root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where `function`, which has other signs at `low` and `high`, is zero: SciPy's `brentq`, to the bit.

    SciPy's package `optimize` takes a tenth of a second to import.

    Raises:
        ValueError: the function has one sign at both ends.
    """
    before, now = low, high
    at_before, at_now = function(before), function(now)
    if at_before * at_now > 0:
        raise ValueError(f"expected other signs at {low} and {high}, found {at_before} and {at_now}")
    if not at_before:
        return before
    other = at_other = step_before = step = 0.0
    for _ in range(MOST_STEPS):
        if at_before and at_now and (at_before < 0) != (at_now < 0):
            other, at_other = before, at_before
            step_before = step = now - before
        if abs(at_other) < abs(at_now):
            before, now, other = now, other, now
            at_before, at_now, at_other = at_now, at_other, at_now
        close, half = (WITHIN + RELATIVE * abs(now)) / 2, (other - now) / 2
        if not at_now or abs(half) < close:
            break
        step_before, step, last = half, half, (step_before, step)
        if abs(last[0]) > close and abs(at_now) < abs(at_before):
            aim = _interpolated((before, at_before), (now, at_now), (other, at_other))
            if 2 * abs(aim) < min(abs(last[0]), 3 * abs(half) - close):
                step_before, step = last[1], aim
        before, at_before = now, at_now
        now += step if abs(step) > close else (close if half > 0 else -close)
        at_now = function(now)
    return now


def _interpolated(before: tuple[float, float], now: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the step from `now` to the zero of the line, or of the inverse parabola, through points `(x, value)`."""
    (x, at_x), (y, at_y), (z, at_z) = before, now, other
    if x == z:
        return -at_y * (y - x) / (at_y - at_x)
    slope, other_slope = (at_x - at_y) / (x - y), (at_z - at_y) / (z - y)
    return -at_y * (at_z * other_slope - at_x * slope) / (other_slope * slope * (at_z - at_x))

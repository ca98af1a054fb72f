import math

from hypothesis import given
from hypothesis import strategies as st

from harness.core.history import Series
from harness.tracking.curves import MOST_POINTS, curve, non_finite


@given(st.lists(st.floats(), max_size=2000))
def test_a_curve_has_few_points_all_of_them_from_the_series(values: list[float]) -> None:
    series = Series(list(range(len(values))), values)
    finite = {step: value for step, value in enumerate(values) if math.isfinite(value)}

    points = curve(series)

    assert points.items() <= finite.items()
    assert len(points) == min(len(finite), MOST_POINTS)


def test_first_and_last_point_of_a_long_series_are_kept() -> None:
    points = curve(Series(list(range(1, 10_001)), [float(step) for step in range(1, 10_001)]))

    assert (min(points), max(points)) == (1, 10_000)
    assert (
        max(after - before for before, after in zip(list(points), list(points)[1:], strict=False))
        <= 9_999 / (MOST_POINTS - 1) + 1
    )


def test_the_later_of_two_values_at_a_step_is_kept() -> None:
    points = curve(Series([10, 20, 20, 30], [0.1, 0.2, 0.25, 0.3]))

    assert points == {10: 0.1, 20: 0.25, 30: 0.3}


def test_values_that_are_not_finite_are_counted() -> None:
    assert non_finite(Series([1, 2, 3, 4], [0.0, math.nan, math.inf, -math.inf])) == 3

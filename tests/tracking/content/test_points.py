import math

from hypothesis import given
from hypothesis import strategies as st

from harness.core.history import Series
from harness.tracking.content.points import Point, finite, non_finite, points_of


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0.5, 1.0, math.nan, math.inf])), max_size=30))
def test_every_finite_value_is_a_point_and_no_two_points_are_one_to_mlflow(pairs: list[tuple[int, float]]) -> None:
    series = Series([step for step, _ in pairs], [value for _, value in pairs])

    points = points_of({"loss": series}, lambda step: 1000 * step)

    assert len(points) == len(pairs) - non_finite(series)
    assert [(point.step, point.value) for point in points] == [pair for pair in pairs if math.isfinite(pair[1])]
    assert len({(point.step, point.value, time) for point, time in points.items()}) == len(points)


def test_equal_values_at_a_step_are_numbered() -> None:
    points = points_of({"val": Series([10, 20, 20], [0.5, 0.5, 0.5])}, lambda step: step)

    assert points == {Point("val", 10, 0.5, 0): 10, Point("val", 20, 0.5, 0): 20, Point("val", 20, 0.5, 1): 21}


def test_what_is_not_finite_is_taken_out() -> None:
    assert finite(Series([1, 2, 3, 4], [0.5, math.nan, math.inf, -math.inf])) == Series([1], [0.5])

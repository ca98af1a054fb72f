from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.pareto import pareto_front

UP_DOWN: tuple[Literal["maximize"], Literal["minimize"]] = ("maximize", "minimize")
clouds = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)), max_size=12)


def better(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Return whether one point is nowhere worse and somewhere better; the second number is to be small."""
    gains = (one[0] - other[0], other[1] - one[1], one[2] - other[2])
    return min(gains) >= 0 and max(gains) > 0


@pytest.mark.parametrize(
    ("points", "front"),
    [
        ([], []),
        ([(0.5, 10.0)], [0]),
        ([(0.9, 40.0), (0.8, 10.0), (0.7, 20.0), (0.95, 80.0)], [0, 1, 3]),
        ([(0.9, 40.0), (0.9, 40.0), (0.9, 41.0), (0.8, 40.0)], [0, 1]),
        ([(0.9, float("nan")), (0.1, 99.0)], [1]),
        ([(float("inf"), 1.0), (0.1, 99.0)], [1]),
    ],
)
def test_the_front_is_the_one_found_by_hand(points: list[tuple[float, float]], front: list[int]) -> None:
    assert pareto_front(points, UP_DOWN) == front


@given(points=clouds)
def test_a_point_is_on_the_front_exactly_if_no_other_is_better(points: list[tuple[int, ...]]) -> None:
    expected = [index for index, one in enumerate(points) if not any(better(other, one) for other in points)]

    assert pareto_front(points, ("maximize", "minimize", "maximize")) == expected

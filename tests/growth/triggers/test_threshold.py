import math
from typing import Any

import pytest

from harness.core.errors import SpecError
from harness.growth.triggers import Threshold


@pytest.mark.parametrize(
    ("settings", "values", "fired"),
    [
        ({"above": 2}, [1, 2, 3, 1, 4], [3, 5]),
        ({"below": 2}, [1, 2, 3, 1, 4], [1, 4]),
        ({"above": 2, "times": 2}, [3, 3, 1, 3, 3, 3], [2, 5, 6]),
        ({"above": 2, "warm_up": 2}, [3, 3, 3, 1], [3]),
        ({"above": 2, "warm_up": 1, "times": 2}, [3, 3, 3], [3]),
        ({"above": 0}, [math.nan, math.inf], [2]),
        ({"below": 0, "times": 2}, [-1, math.nan, -1, -math.inf], [4]),
    ],
)
def test_it_fires_where_the_metric_is_on_its_side(
    firings: Any, evaluations: Any, settings: dict[str, Any], values: list[float], fired: list[int]
) -> None:
    assert firings(Threshold(metric="loss", **settings), evaluations(values)) == fired


def test_a_growth_begins_another_warm_up(firings: Any, evaluations: Any) -> None:
    way = evaluations([3, 3, 3, 3, 3, 3], grown_at=3)

    assert firings(Threshold(metric="loss", above=2, warm_up=2), way) == [3, 6]


@pytest.mark.parametrize("settings", [{}, {"above": 1, "below": 2}, {"above": math.nan}, {"below": math.inf}])
def test_one_finite_value_is_asked_for(settings: dict[str, float]) -> None:
    with pytest.raises(SpecError, match=r"expected one value|finite number"):
        Threshold(metric="loss", **settings)

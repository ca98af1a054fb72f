import pytest

from harness.search.plan_departures import _are_near


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ({"a": 0.1}, {"a": 0.1 * (1 + 1e-12)}, True),
        ({"a": 0.1}, {"a": 0.1001}, False),
        ({"a": [1, 2.0]}, {"a": (1, 2.0)}, True),
        ({"a": 1}, {"b": 1}, False),
    ],
)
def test_values_may_differ_by_the_rounding_of_a_logarithm(
    one: dict[str, object], other: dict[str, object], near: bool
) -> None:
    assert _are_near(one, other) == near

from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from optuna.distributions import BaseDistribution
from pydantic import ValidationError

from harness.search.space import AbstractDimension, Choice, Float, Int

quantiles = st.floats(0, 1, exclude_max=True)
options = st.lists(st.one_of(st.text(max_size=3), st.none()), min_size=1, max_size=6, unique=True)
choices = options.map(lambda values: Choice(field="x", options=tuple(values)))


@st.composite
def ints(draw: st.DrawFn) -> Int:
    low, step, steps = draw(st.integers(-50, 50)), draw(st.integers(1, 7)), draw(st.integers(0, 20))
    return Int(field="x", low=low, high=low + step * steps, step=step)


@st.composite
def floats(draw: st.DrawFn) -> Float:
    """Ranges whose ends have at most four digits."""
    log = draw(st.booleans())
    low, high = sorted(draw(st.integers(1 if log else -9999, 9999)) / 1000 for _ in range(2))
    assume(low < high)
    return Float(field="x", low=low, high=high, log=log)


ordered = st.one_of(ints(), floats())
dimensions = st.one_of(choices, ints(), floats())


def contains(distribution: BaseDistribution, value: Any) -> bool:
    return bool(distribution._contains(distribution.to_internal_repr(value)))


@given(dimension=dimensions, quantile=quantiles)
def test_every_quantile_is_a_value_that_optuna_takes(dimension: AbstractDimension, quantile: float) -> None:
    value = dimension.at(quantile)

    assert contains(dimension.distribution(), value)


@given(low=st.floats(-1e3, 1e3), width=st.floats(1e-3, 1e3), quantile=quantiles)
@example(low=1.23444, width=1, quantile=0)
def test_ends_of_many_digits_are_kept_too(low: float, width: float, quantile: float) -> None:
    dimension = Float(field="x", low=low, high=low + width)

    assert dimension.low <= dimension.at(quantile) <= dimension.high


@given(dimension=ordered, one=quantiles, other=quantiles)
def test_a_higher_quantile_is_no_lower_value(dimension: AbstractDimension, one: float, other: float) -> None:
    low, high = sorted((one, other))

    assert dimension.at(low) <= dimension.at(high)


@given(dimension=st.one_of(choices, ints()))
def test_equal_parts_of_the_quantiles_hit_every_value_once(dimension: Choice | Int) -> None:
    if isinstance(dimension, Choice):
        values = list(dimension.options)
    else:
        values = list(range(dimension.low, dimension.high + 1, dimension.step))

    hit = [dimension.at((part + 0.5) / len(values)) for part in range(len(values))]

    assert hit == values


@given(dimension=floats())
def test_a_number_begins_at_the_low_end(dimension: Float) -> None:
    assert dimension.at(0) == dimension.low
    assert dimension.at(1 - 1e-9) == pytest.approx(dimension.high, rel=1e-3, abs=1e-3)


def test_the_middle_of_a_logarithmic_range_is_the_geometric_mean() -> None:
    assert Float(field="x", low=0.01, high=100, log=True).at(0.5) == 1
    assert Float(field="x", low=0, high=100).at(0.5) == 50


@given(dimension=dimensions)
def test_a_dimension_survives_json(dimension: AbstractDimension) -> None:
    assert AbstractDimension.model_validate(dimension.to_json()) == dimension


@given(dimension=dimensions)
def test_corners_are_values_of_the_dimension(dimension: AbstractDimension) -> None:
    assert dimension.corners()
    assert all(contains(dimension.distribution(), value) for value in dimension.corners())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"kind": "choice", "options": []}, "options"),
        ({"kind": "int", "low": 2, "high": 1}, "low <= high"),
        ({"kind": "int", "low": 0, "high": 5, "step": 2}, "multiple of step"),
        ({"kind": "int", "low": 0, "high": 5, "step": 0}, "step"),
        ({"kind": "float", "low": 2.0, "high": 1.0}, "low < high"),
        ({"kind": "float", "low": 1.0, "high": 1.0}, "low < high"),
        ({"kind": "float", "low": float("nan"), "high": 1.0}, "finite"),
        ({"kind": "float", "low": 1.0, "high": float("inf")}, "finite"),
        ({"kind": "float", "low": 0.0, "high": 1.0, "log": True}, "low > 0 if log"),
        ({"kind": "normal"}, "choice, float, int"),
    ],
)
def test_a_dimension_without_values_is_refused(content: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        AbstractDimension.model_validate({"field": "x", **content})


@pytest.mark.parametrize(
    ("dimension", "inside", "outside"),
    [
        (Choice(field="x", options=(1, "a", None)), [1, "a", None], [True, 2, "b", 1.0]),
        (Int(field="x", low=2, high=8, step=3), [2, 5, 8], [1, 3, 9, 5.0, True]),
        (Float(field="x", low=0.5, high=2), [0.5, 1, 2.0], [0.4, 2.1, float("nan"), True, "1"]),
    ],
)
def test_a_dimension_contains_its_values_alone(
    dimension: AbstractDimension, inside: list[Any], outside: list[Any]
) -> None:
    assert all(dimension.contains(value) for value in inside)
    assert not any(dimension.contains(value) for value in outside)

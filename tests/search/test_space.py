import math
import re
from decimal import Decimal
from itertools import pairwise
from typing import Any

import optuna
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from optuna.distributions import BaseDistribution
from pydantic import ValidationError

from harness.core.spec import explain
from harness.search.space import AbstractDimension, Choice, Float, Int, Present

quantiles = st.floats(0, 1, exclude_max=True)
options = st.lists(st.one_of(st.text(max_size=3), st.none()), min_size=1, max_size=6, unique=True)
choices = options.map(lambda values: Choice(field="x", options=tuple(values)))


@st.composite
def ints(draw: st.DrawFn) -> Int:
    low, step, steps = draw(st.integers(-50, 50)), draw(st.integers(1, 7)), draw(st.integers(0, 20))
    return Int(field="x", low=low, high=low + step * steps, step=step)


@st.composite
def log_ints(draw: st.DrawFn) -> Int:
    low = draw(st.integers(1, 50))
    return Int(field="x", low=low, high=low + draw(st.integers(0, 1000)), log=True)


@st.composite
def stepped(draw: st.DrawFn) -> Float:
    """Steps as people write them: a few digits after the point, and any number of them."""
    scale = 10 ** draw(st.integers(0, 6))
    low, step, steps = draw(st.integers(-999, 999)), draw(st.integers(1, 999)), draw(st.integers(1, 200))
    return Float(field="x", low=low / scale, high=(low + step * steps) / scale, step=step / scale)


@st.composite
def floats(draw: st.DrawFn) -> Float:
    """Ranges whose ends have at most four digits."""
    log = draw(st.booleans())
    low, high = sorted(draw(st.integers(1 if log else -9999, 9999)) / 1000 for _ in range(2))
    assume(low < high)
    return Float(field="x", low=low, high=high, log=log)


ordered = st.one_of(ints(), log_ints(), floats(), stepped())
dimensions = st.one_of(choices, ordered, st.just(Present(field="x.1")))


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


@given(dimension=stepped(), data=st.data())
def test_a_number_on_a_step_is_as_short_as_its_ends_and_its_step(dimension: Float, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, (dimension.count or 0) - 1))
    written = Decimal(repr(dimension.low)) + index * Decimal(repr(dimension.step))

    value = dimension.at((index + 0.5) / (dimension.count or 1))

    assert value == float(written)
    assert dimension.contains(value)
    assert dimension.low <= value <= dimension.high


@pytest.mark.parametrize("seed", range(3))
def test_optuna_proposes_the_values_that_people_say(seed: int) -> None:
    tenths = Float(field="x", low=0.1, high=0.7, step=0.1)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))

    found = {tenths.suggested(study.ask(), "x") for _ in range(60)}

    assert found == {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7} == {tenths.at(part / 14) for part in range(1, 14, 2)}


def test_whole_numbers_uniform_in_the_logarithm_come_as_often_as_optuna_says() -> None:
    dimension = Int(field="x", low=1, high=4, log=True)
    edges = [math.log(edge) for edge in (0.5, 1.5, 2.5, 3.5, 4.5)]
    shares = [(high - low) / (edges[-1] - edges[0]) for low, high in pairwise(edges)]

    found = [dimension.at((part + 0.5) / 10_000) for part in range(10_000)]

    assert [found.count(value) / 10_000 for value in (1, 2, 3, 4)] == pytest.approx(shares, abs=2e-4)


@given(dimension=st.one_of(choices, ints(), st.just(Present(field="x.1"))))
def test_equal_parts_of_the_quantiles_hit_every_value_once(dimension: Choice | Int | Present) -> None:
    if isinstance(dimension, Choice | Present):
        values = list(dimension.corners())
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
        ({"kind": "int", "low": 0, "high": 5, "log": True}, "low > 0 and no step if log"),
        ({"kind": "int", "low": 1, "high": 5, "step": 2, "log": True}, "low > 0 and no step if log"),
        ({"kind": "choice", "options": [1, 2, 1]}, "options: expected different options, found 1"),
        ({"kind": "choice", "options": [1, True]}, "found True equal to one before it"),
        ({"kind": "float", "low": 0.1, "high": 0.4, "step": 0.2}, "a multiple of step apart"),
        ({"kind": "float", "low": 0.1, "high": 0.4, "step": 0}, "step: .* above 0"),
        ({"kind": "float", "low": 0.0, "high": 1.0, "step": 1e-300}, "at most 1,000,000,000 steps"),
        ({"kind": "float", "low": -1e308, "high": 1e308, "step": 1.0}, "at most 1,000,000,000 steps"),
        ({"kind": "float", "low": 0.1, "high": 0.4, "step": 0.1, "log": True}, "expected step or log"),
        ({"kind": "present", "when": {"where": []}}, "when.where"),
        ({"kind": "float", "low": 2.0, "high": 1.0}, "low < high"),
        ({"kind": "float", "low": 1.0, "high": 1.0}, "low < high"),
        ({"kind": "float", "low": float("nan"), "high": 1.0}, "finite"),
        ({"kind": "float", "low": 1.0, "high": float("inf")}, "finite"),
        ({"kind": "float", "low": 0.0, "high": 1.0, "log": True}, "low > 0 if log"),
        ({"kind": "normal"}, "choice, float, int, present"),
    ],
)
def test_a_dimension_without_values_is_refused(content: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        AbstractDimension.model_validate({"field": "x", **content})

    assert re.search(message, explain(refusal.value))


@pytest.mark.parametrize(
    ("dimension", "inside", "outside"),
    [
        (Choice(field="x", options=(1, "a", None)), [1, "a", None], [True, 2, "b", 1.0]),
        (Int(field="x", low=2, high=8, step=3), [2, 5, 8], [1, 3, 9, 5.0, True]),
        (Present(field="x.1"), [True, False], [1, 0, None, "yes"]),
        (Float(field="x", low=0.1, high=0.5, step=0.1), [0.1, 0.3, 0.5], [0.0, 0.30000000000000004, 0.25, 0.6, True]),
        (Float(field="x", low=0.5, high=2), [0.5, 1, 2.0], [0.4, 2.1, float("nan"), True, "1"]),
    ],
)
def test_a_dimension_contains_its_values_alone(
    dimension: AbstractDimension, inside: list[Any], outside: list[Any]
) -> None:
    assert all(dimension.contains(value) for value in inside)
    assert not any(dimension.contains(value) for value in outside)


def test_a_condition_may_name_one_value_or_several() -> None:
    one, several = Int(field="x", low=1, high=2, when={"where": "a"}), {"where": ["a", None], "on": True}

    assert one.when == {"where": ("a",)}
    assert Int.model_validate({"field": "x", "low": 1, "high": 2, "when": several}).when == {
        "where": ("a", None),
        "on": (True,),
    }


def test_what_is_absent_is_left_out_and_what_is_present_changes_nothing() -> None:
    dimension = Present(field="growths.1")

    assert (dimension.changes(True), dimension.leaves_out(True), dimension.leaves_out(False)) == ({}, False, True)
    assert [dimension.at(quantile) for quantile in (0, 0.49, 0.5, 0.99)] == [False, False, True, True]

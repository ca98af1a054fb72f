import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.training.schedules import ConstantRate, Cosine


@given(step=st.integers(0, 10**6), age=st.integers(0, 10**6))
def test_constant_is_one(step: int, age: int) -> None:
    assert ConstantRate().factor(step, age) == 1


@pytest.mark.parametrize(("step", "expected"), [(0, 1), (50, 0.55), (100, 0.1), (500, 0.1)])
def test_cosine_falls_from_one_to_its_floor(step: int, expected: float) -> None:
    assert math.isclose(Cosine(steps=100, floor=0.1).factor(step, age=step), expected)


def test_a_group_born_late_warms_up_by_itself_and_joins_the_curve() -> None:
    schedule = Cosine(steps=100, warm_up=3)

    ratios = [schedule.factor(50, age) / schedule.factor(50, age=50) for age in range(5)]

    assert ratios == pytest.approx([0.25, 0.5, 0.75, 1, 1])


@given(step=st.integers(0, 1000), age=st.integers(0, 1000), warm_up=st.integers(0, 50), floor=st.floats(0, 1))
def test_cosine_stays_a_fraction(step: int, age: int, warm_up: int, floor: float) -> None:
    assert 0 <= Cosine(steps=300, warm_up=warm_up, floor=floor).factor(step, age) <= 1 + 1e-12

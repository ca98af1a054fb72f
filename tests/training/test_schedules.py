import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import SpecError
from harness.training.schedules import AbstractSchedule, ConstantRate, Cosine, Linear, OneCycle

LASTING: list[AbstractSchedule] = [Cosine(warm_up=5, floor=0.1), Linear(warm_up=5, floor=0.1), OneCycle(floor=0.1)]


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


@pytest.mark.parametrize(("step", "expected"), [(0, 1), (50, 0.55), (75, 0.325), (100, 0.1), (500, 0.1)])
def test_linear_falls_along_a_line(step: int, expected: float) -> None:
    assert Linear(steps=100, floor=0.1).factor(step, age=step) == pytest.approx(expected)


@pytest.mark.parametrize(("step", "expected"), [(0, 0.1), (10, 0.55), (20, 1), (60, 0.5), (100, 0), (500, 0)])
def test_one_cycle_rises_and_falls(step: int, expected: float) -> None:
    schedule = OneCycle(steps=100, peak=0.2, start=0.1)

    assert schedule.factor(step, age=step) == pytest.approx(expected)


@pytest.mark.parametrize("schedule", LASTING, ids=lambda one: one.kind)
def test_a_schedule_may_last_as_long_as_its_run(schedule: AbstractSchedule) -> None:
    timed = schedule.lasting(80)

    with pytest.raises(SpecError, match="expected a schedule that knows its steps"):
        schedule.factor(3, age=3)
    assert timed == schedule.model_copy(update={"steps": 80})
    assert timed.factor(80, age=80) == pytest.approx(0.1)
    assert timed.lasting(500) == timed
    assert AbstractSchedule.model_validate(schedule.to_json()) == schedule
    assert ConstantRate().lasting(80) == ConstantRate()

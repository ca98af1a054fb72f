from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from harness.benchmarks.simulation import ARMS, GUESS, SimulatedStudy
from harness.core.errors import InputError
from harness.reporting.analysis.pairing import compare
from harness.reporting.analysis.sample_size import sample_size_of
from harness.reporting.data.study_data import StudyData
from harness.reporting.statistics import error_of_units, units_to_find
from harness.staging.ledger import StudyOrigin, StudyRecord
from harness.staging.study_spec import StudySpec

StudyDataOf = Callable[..., StudyData]
METRIC = "test/accuracy/0"


def pilot(study: SimulatedStudy, **spec: Any) -> StudyData:
    fields = {
        "metric": "accuracy/0",
        "comparison": list(ARMS),
        "arms": {arm: {} for arm in ARMS},
        "smallest_effect": 0.005,
    }
    runs = study.draw(np.random.default_rng(0))
    record = StudyRecord("pilot", StudySpec({**fields, **spec}), study.configurations, study.seeds)
    return StudyData(record, runs, runs.iloc[:0], (), StudyOrigin(record.name))


def test_a_plan_that_knows_the_true_spread_finds_the_effect_as_often_as_it_says() -> None:
    plan = sample_size_of(pilot(SimulatedStudy(2_000, 3, between=0.01, noise=0.02)), effect=0.02)
    option = next(option for option in plan.options if option.seeds == 2)
    assert option.configurations is not None
    study, stream = (
        SimulatedStudy(option.configurations, 2, effect=0.02, between=0.01, noise=0.02),
        np.random.default_rng(1),
    )

    intervals = [compare(study.draw(stream), *ARMS, METRIC, failure_value=GUESS).mean.interval for _ in range(1_000)]

    found = np.mean([interval is not None and interval.excludes_zero for interval in intervals])
    assert 0.76 < found < 0.87


def test_the_effect_is_the_studys_own_unless_given() -> None:
    data = pilot(SimulatedStudy())

    assert sample_size_of(data).effect == 0.005
    assert sample_size_of(data, effect=0.02).effect == 0.02


def test_a_diverged_run_counts_in_the_pilot_as_in_the_verdict() -> None:
    diverging, well = (sample_size_of(pilot(SimulatedStudy(collapse=(share, 0.0)))) for share in (0.2, 0.0))

    assert diverging.comparison.imputed > 0
    assert diverging.spread.observed > 3 * well.spread.observed


def test_more_seeds_need_fewer_configurations_and_caution_more() -> None:
    options = sample_size_of(pilot(SimulatedStudy(between=0.005, noise=0.02))).options

    needed = [option.configurations for option in options if option.configurations is not None]
    assert [option.seeds for option in options] == [1, 2, 3, 5, 10]
    assert needed == sorted(needed, reverse=True)
    assert all(option.cautious is not None and option.cautious >= (option.configurations or 0) for option in options)


def test_runs_are_those_of_all_arms_and_the_cheapest_option_has_the_fewest() -> None:
    plan = sample_size_of(pilot(SimulatedStudy(), arms={"frozen": {}, "unfrozen": {}, "thawed": {}}))

    assert all(o.runs == (o.cautious or 0) * o.seeds * 3 for o in plan.options)
    assert plan.cheapest is not None
    assert plan.cheapest.runs == min(o.runs for o in plan.options if o.runs is not None)


def test_a_pilot_with_one_seed_speaks_of_one_seed_only() -> None:
    plan = sample_size_of(pilot(SimulatedStudy(8, 1)))

    assert [option.seeds for option in plan.options] == [1]
    assert plan.options[0].configurations == units_to_find(0.005, error_of_units(plan.spread.observed))


def test_an_effect_too_small_for_any_study_has_no_cheapest_option() -> None:
    plan = sample_size_of(pilot(SimulatedStudy()), effect=1e-7)

    assert plan.cheapest is None
    assert all(option.configurations is None for option in plan.options)


def test_three_configurations_are_a_pilot_that_finds_nothing_itself() -> None:
    plan = sample_size_of(pilot(SimulatedStudy(3, 2)))

    assert plan.detectable is None
    assert plan.cheapest is not None


def test_two_configurations_are_no_pilot() -> None:
    with pytest.raises(InputError, match=r"3 or more configurations .* found 2 in 'pilot'; run more with --trials"):
        sample_size_of(pilot(SimulatedStudy(2, 3)))


@pytest.mark.parametrize("effect", [0.0, -0.01, np.nan, np.inf])
def test_there_must_be_an_effect_to_look_for(effect: float) -> None:
    with pytest.raises(InputError, match="expected an effect above 0"):
        sample_size_of(pilot(SimulatedStudy()), effect=effect)


def test_a_study_without_a_smallest_effect_needs_one_to_be_given() -> None:
    with pytest.raises(InputError, match="give --effect"):
        sample_size_of(pilot(SimulatedStudy(), smallest_effect=0.0))


@pytest.mark.parametrize("power", [0.0, 1.0, -1.0, 2.0, np.nan])
def test_certainty_cannot_be_planned(power: float) -> None:
    with pytest.raises(InputError, match="expected a power between 0 and 1"):
        sample_size_of(pilot(SimulatedStudy()), power=power)


def test_a_study_in_a_home_is_its_own_pilot(study_data: StudyDataOf) -> None:
    plan = sample_size_of(study_data(trials=6, seeds=2))

    assert (plan.spread.units, plan.spread.seeds) == (6, 2.0)

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from harness.reporting.statistics import (
    Interval,
    MeanError,
    MeanEstimate,
    chance_to_find,
    chance_to_show_equivalence,
    detectable_effect,
    equivalent,
    error_of_units,
    mean_estimate,
    units_that_settle,
    units_to_find,
    units_to_show_equivalence,
)


def error_of(sd: float, units: int) -> MeanError:
    error = error_of_units(sd)(units)
    assert error is not None
    return error


@pytest.mark.parametrize("units", [5, 12, 40, 1_000])
@pytest.mark.parametrize("errors", [0.0, 0.5, 2.0, 4.0, 7.0])
def test_the_chance_to_find_an_effect_is_that_of_statsmodels(units: int, errors: float) -> None:
    effect = errors / np.sqrt(units)

    assert chance_to_find(0.02 * effect, error_of(0.02, units)) == pytest.approx(
        TTestPower().power(effect, units, 0.05), abs=1e-5
    )


@pytest.mark.parametrize("units", [5, 20, 10_000])
@pytest.mark.parametrize("effect", [8.3, 9.1, 100.0, 1e6])
def test_a_huge_effect_is_found_and_is_no_trouble(units: int, effect: float) -> None:
    assert 0.99 < chance_to_find(effect, error_of(1.0, units)) <= 1.0 + 1e-12


@pytest.mark.parametrize(("units", "effect"), [(5, 1.68), (8, 1.16), (10, 1.00), (20, 0.66), (30, 0.53)])
def test_the_minimum_detectable_effects_are_those_of_the_literature(units: int, effect: float) -> None:
    assert detectable_effect(error_of(1.0, units)) == pytest.approx(effect, abs=0.005)


def test_an_effect_of_the_minimum_detectable_size_is_found_just_often_enough() -> None:
    effect = detectable_effect(error_of(0.03, 17), power=0.9)

    assert chance_to_find(effect, error_of(0.03, 17)) == pytest.approx(0.9, abs=1e-9)


def test_the_units_to_find_an_effect_are_the_fewest() -> None:
    units = units_to_find(0.5, error_of_units(1.0))

    assert units == int(np.ceil(TTestPower().solve_power(0.5, power=0.8, alpha=0.05)))
    assert chance_to_find(0.5, error_of(1.0, units)) >= 0.8 > chance_to_find(0.5, error_of(1.0, units - 1))


def test_the_chance_to_show_equivalence_is_what_a_simulation_finds() -> None:
    estimates = [mean_estimate(units) for units in np.random.default_rng(0).normal(0, 1, (4_000, 20)).tolist()]

    shown = np.mean([equivalent(estimate, 0.6) for estimate in estimates])

    assert chance_to_show_equivalence(0.6, error_of(1.0, 20)) == pytest.approx(shown, abs=0.025)


def test_the_units_to_show_equivalence_are_the_fewest() -> None:
    units = units_to_show_equivalence(0.5, error_of_units(1.0))

    assert units is not None
    assert (
        chance_to_show_equivalence(0.5, error_of(1.0, units))
        >= 0.8
        > chance_to_show_equivalence(0.5, error_of(1.0, units - 1))
    )


def test_fewer_than_five_units_are_never_enough() -> None:
    assert units_to_find(1e6, error_of_units(1.0)) == 5


def test_without_spread_five_units_are_enough_for_anything_but_nothing() -> None:
    assert units_to_find(0.01, error_of_units(0.0)) == units_to_show_equivalence(0.01, error_of_units(0.0)) == 5
    assert detectable_effect(error_of(0.0, 5)) == 0.0
    assert chance_to_find(0.0, error_of(0.0, 5)) == 0.0


def test_what_ten_thousand_units_cannot_do_has_no_number() -> None:
    assert units_to_find(1e-6, error_of_units(1.0)) is None
    assert units_to_find(0.0, error_of_units(1.0)) is None
    assert units_to_show_equivalence(0.0, error_of_units(1.0)) is None


def test_from_the_settling_number_on_no_mean_is_inconclusive() -> None:
    units = units_that_settle(sd=0.01, smallest_effect=0.005)
    assert units is not None

    inconclusive = [_inconclusive(mean, 0.01, units, 0.005) for mean in np.linspace(0, 0.01, 200)]

    assert not any(inconclusive)
    assert any(_inconclusive(mean, 0.01, units - 2, 0.005) for mean in np.linspace(0, 0.01, 2_000))


def test_a_spread_that_no_study_settles_has_no_settling_number() -> None:
    assert units_that_settle(sd=1.0, smallest_effect=1e-6) is None
    assert units_that_settle(sd=1.0, smallest_effect=0.0) is None


def _inconclusive(mean: float, sd: float, units: int, smallest_effect: float) -> bool:
    error = sd / np.sqrt(units)
    half, narrow = (float(stats.t.ppf(q, units - 1) * error) for q in (0.975, 0.95))
    interval, inner = Interval(mean - half, mean + half, 0.95), Interval(mean - narrow, mean + narrow, 0.9)
    estimate = MeanEstimate(mean, sd, units, interval, inner)
    return not interval.excludes_zero and not equivalent(estimate, smallest_effect)

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from harness.benchmarks.simulation import ARMS, GUESS, SimulatedStudy
from harness.reporting.analysis.pairing import Comparison, compare
from harness.reporting.analysis.sensitivity import companions, detectable

METRIC = "test/accuracy/0"


def drawn(study: SimulatedStudy, seed: int = 0) -> tuple[pd.DataFrame, Comparison]:
    runs = study.draw(np.random.default_rng(seed))
    return runs, compare(runs, *ARMS, METRIC, failure_value=GUESS)


def test_every_companion_is_what_scipy_computes() -> None:
    runs, comparison = drawn(SimulatedStudy(10, 3, effect=0.01))
    differences = comparison.configurations["difference"].to_numpy()
    tested = stats.ttest_1samp(differences, 0)
    flipped = stats.permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=np.inf)

    mean, signs, shift, middle, left_out = companions(runs, comparison)

    assert (mean.low, mean.high) == pytest.approx(tuple(tested.confidence_interval(0.95)), rel=1e-12)
    assert mean.p == pytest.approx(tested.pvalue, rel=1e-12)
    assert signs.p == pytest.approx(flipped.pvalue, rel=1e-12)
    assert shift.value == pytest.approx(np.median(np.add.outer(differences, differences)[np.triu_indices(10)] / 2))
    assert middle.value == pytest.approx(stats.trim_mean(differences, 0.25), rel=1e-12)
    assert left_out.low == pytest.approx(min(np.delete(differences, place).mean() for place in range(10)), rel=1e-12)
    assert left_out.high == pytest.approx(max(np.delete(differences, place).mean() for place in range(10)), rel=1e-12)


def test_every_method_counts_the_same_configurations() -> None:
    runs, comparison = drawn(SimulatedStudy(9, 2))

    assert {companion.units for companion in companions(runs, comparison)} == {9}


def test_diverged_runs_bring_a_row_of_the_completed_ones() -> None:
    runs, comparison = drawn(SimulatedStudy(12, 3, collapse=(0.2, 0.0)))

    found = {companion.method: companion for companion in companions(runs, comparison)}

    completed = found["mean, completed runs only, t interval at 95 %"]
    assert comparison.imputed > 0
    assert completed.value == compare(runs, *ARMS, METRIC).mean.mean
    assert completed.value > found["mean, t interval at 95 %"].value


@pytest.mark.parametrize("configurations", [1, 2, 4])
def test_below_five_configurations_there_are_points_and_neither_intervals_nor_tests(configurations: int) -> None:
    runs, comparison = drawn(SimulatedStudy(configurations, 2))

    found = companions(runs, comparison)

    assert all(np.isnan(companion.p) for companion in found)
    assert all(np.isnan(companion.low) for companion in found if "lowest" not in companion.method)
    assert detectable(comparison) is None


def test_the_detectable_difference_is_that_of_statsmodels() -> None:
    _, comparison = drawn(SimulatedStudy(20, 3))
    expected = TTestPower().solve_power(nobs=20, alpha=0.05, power=0.8) * comparison.mean.sd

    assert detectable(comparison) == pytest.approx(expected, rel=1e-4)


def test_equal_differences_say_nothing_about_what_could_be_found() -> None:
    runs = SimulatedStudy(6, 1, between=0.0, noise=0.0).draw(np.random.default_rng(0))

    assert detectable(compare(runs.assign(**{METRIC: 0.5}), *ARMS, METRIC)) is None


def test_without_any_pair_there_is_nothing_but_names() -> None:
    runs = SimulatedStudy(6, 1).draw(np.random.default_rng(0)).assign(status="running")

    found = companions(runs, compare(runs, *ARMS, METRIC))

    assert all(np.isnan(companion.value) and companion.units == 0 for companion in found)

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.reporting.statistics import ShiftEstimate, disagree, hodges_lehmann, mean_estimate

VALUES = [0.012, -0.003, 0.021, 0.008, 0.015, 0.001, -0.007, 0.019, 0.011, 0.004]


def test_the_hodges_lehmann_estimate_is_the_median_of_pairwise_means() -> None:
    # means of two, each with itself too: 1, 3, 5.5, 5, 7.5, 10
    assert hodges_lehmann([1, 5, 10]).shift == pytest.approx(5.25)


def test_the_wilcoxon_interval_ends_where_scipys_exact_test_turns() -> None:
    interval = hodges_lehmann(VALUES).interval
    assert interval is not None

    inside = [interval.low + 1e-9, interval.high - 1e-9]
    outside = [interval.low - 1e-9, interval.high + 1e-9]

    assert all(stats.wilcoxon(np.array(VALUES) - center, method="exact").pvalue > 0.05 for center in inside)
    assert all(stats.wilcoxon(np.array(VALUES) - center, method="exact").pvalue <= 0.05 for center in outside)


def test_the_wilcoxon_interval_states_the_level_that_it_reaches() -> None:
    # 8 units: 5 of 256 sign patterns have a rank sum of at most 3
    interval = hodges_lehmann(VALUES[:8]).interval

    assert interval is not None
    assert interval.level == pytest.approx(1 - 2 * 5 / 256)


def test_below_eight_units_there_is_no_wilcoxon_interval() -> None:
    assert hodges_lehmann(VALUES[:7]).interval is None
    assert math.isnan(hodges_lehmann([]).shift)


@given(st.lists(st.floats(-1, 1), min_size=8, max_size=30), st.floats(-1, 1))
@settings(deadline=None)
def test_the_estimates_move_with_the_data(values: list[float], by: float) -> None:
    moved = hodges_lehmann([value + by for value in values])
    still = hodges_lehmann(values)

    assert moved.shift == pytest.approx(still.shift + by, abs=1e-9)
    assert moved.interval is not None
    assert still.interval is not None
    assert moved.interval.low == pytest.approx(still.interval.low + by, abs=1e-9)


def test_one_outlier_makes_the_estimates_disagree() -> None:
    values = [0.011, 0.012, 0.010, 0.013, 0.009, 0.012, 0.011, 0.010, 0.012, -0.4]

    assert disagree(mean_estimate(values), hodges_lehmann(values))


def test_where_an_interval_is_missing_nothing_can_disagree() -> None:
    assert not disagree(mean_estimate([1.0, 2.0]), ShiftEstimate(-1.0, None))


@pytest.mark.parametrize("units", [300, 301])
def test_the_normal_approximation_takes_over_without_a_step(units: int) -> None:
    values = np.random.default_rng(0).normal(0.2, 1, units)
    at_the_ends = [stats.wilcoxon(values - end, method="approx").pvalue for end in _ends(values.tolist())]

    assert at_the_ends == pytest.approx([0.05, 0.05], abs=1e-3)


def test_the_exact_interval_covers_at_its_stated_level() -> None:
    samples = np.random.default_rng(1).standard_t(3, size=(2_000, 12)) + 0.5

    covered = np.mean([low <= 0.5 <= high for low, high in map(_ends, samples.tolist())])

    assert covered == pytest.approx(0.957, abs=0.015)


def test_ties_and_zeros_leave_an_interval() -> None:
    estimate = hodges_lehmann([0.0, 0.0, 0.0, 0.1, 0.1, 0.1, 0.2, 0.2])

    assert estimate.interval is not None
    assert estimate.interval.low <= estimate.shift <= estimate.interval.high


def _ends(values: list[float]) -> tuple[float, float]:
    interval = hodges_lehmann(values).interval
    assert interval is not None
    return interval.low, interval.high

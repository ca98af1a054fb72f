import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.reporting.statistics import (
    Interval,
    MeanEstimate,
    ShiftEstimate,
    disagree,
    equivalent,
    hodges_lehmann,
    mean_estimate,
    t_interval,
    units_that_settle,
)

VALUES = [0.012, -0.003, 0.021, 0.008, 0.015, 0.001, -0.007, 0.019, 0.011, 0.004]


def test_the_t_interval_is_scipys() -> None:
    expected = stats.ttest_1samp(VALUES, 0).confidence_interval(0.95)

    interval = t_interval(VALUES)

    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), rel=1e-12)


def test_the_t_interval_agrees_with_a_hand_calculation() -> None:
    # mean 3, SD sqrt(2.5), t quantile 2.776445 with 4 degrees of freedom: half-width 1.963243
    interval = t_interval([1, 2, 3, 4, 5])

    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((1.036757, 4.963243), abs=1e-6)


def test_one_value_has_no_interval() -> None:
    assert t_interval([1.0]) is None


def test_the_t_interval_covers_the_truth_as_often_as_it_says() -> None:
    samples = np.random.default_rng(0).normal(0.3, 1.0, size=(2_000, 6))

    intervals = [t_interval(sample) for sample in samples.tolist()]

    covered = np.mean([interval is not None and interval.low <= 0.3 <= interval.high for interval in intervals])
    assert 0.935 <= covered <= 0.965


@pytest.mark.parametrize("units", [0, 1, 4])
def test_below_five_units_there_is_no_interval(units: int) -> None:
    estimate = mean_estimate(VALUES[:units])

    assert estimate.interval is None
    assert estimate.narrow is None
    assert estimate.units == units


def test_five_units_are_enough() -> None:
    estimate = mean_estimate(VALUES[:5])

    assert estimate.interval is not None
    assert estimate.df == 4
    assert estimate.sd == pytest.approx(np.std(VALUES[:5], ddof=1))


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


def test_equivalence_is_two_one_sided_tests() -> None:
    below = stats.ttest_1samp(VALUES, -0.015, alternative="greater").pvalue
    above = stats.ttest_1samp(VALUES, 0.015, alternative="less").pvalue

    assert equivalent(mean_estimate(VALUES), 0.015) == (max(below, above) < 0.05)
    assert not equivalent(mean_estimate(VALUES), 0.01)
    assert not equivalent(mean_estimate(VALUES[:4]), 1.0)


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

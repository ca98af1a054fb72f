import numpy as np
import pytest
from scipy import stats

from harness.reporting.statistics import MeanEstimate, equivalent, mean_estimate, t_interval

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


def test_equivalence_is_two_one_sided_tests() -> None:
    below = stats.ttest_1samp(VALUES, -0.015, alternative="greater").pvalue
    above = stats.ttest_1samp(VALUES, 0.015, alternative="less").pvalue

    assert equivalent(mean_estimate(VALUES), 0.015) == (max(below, above) < 0.05)
    assert not equivalent(mean_estimate(VALUES), 0.01)
    assert not equivalent(mean_estimate(VALUES[:4]), 1.0)


def test_the_p_value_is_scipys() -> None:
    assert mean_estimate(VALUES).p == pytest.approx(stats.ttest_1samp(VALUES, 0).pvalue, rel=1e-12)


def test_the_standardized_mean_is_in_standard_deviations() -> None:
    assert mean_estimate([1.0, 2.0, 3.0]).standardized == pytest.approx(2.0)
    assert np.isnan(mean_estimate([0.3] * 6).standardized)


@pytest.mark.parametrize(("value", "p"), [(0.0, 1.0), (0.1 + 0.2, 0.0)])
def test_units_that_are_all_the_same_have_a_point_and_no_spread(value: float, p: float) -> None:
    estimate = mean_estimate([value] * 7)

    assert estimate.interval is not None
    assert estimate.interval.low == estimate.interval.high == estimate.mean
    assert (estimate.sd, estimate.p, estimate.spreads) == (0.0, p, False)


def test_below_five_units_there_is_no_p_value() -> None:
    estimate: MeanEstimate = mean_estimate(VALUES[:4])

    assert np.isnan(estimate.p)
    assert estimate.spreads
    assert mean_estimate([1.0]).spreads


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused_with_its_place(bad: float) -> None:
    with pytest.raises(ValueError, match="at place 1"):
        mean_estimate([0.1, bad, 0.2])

import numpy as np
import pytest
from scipy import stats

from harness.reporting.statistics import interquartile_mean, studentized_interval


@pytest.mark.parametrize(("units", "trim"), [(5, 0.0), (10, 0.0), (10, 0.25)])
def test_the_interval_covers_the_truth_where_the_percentile_bootstrap_does_not(units: int, trim: float) -> None:
    samples = np.random.default_rng(0).normal(0.3, 1.0, (1_000, units)).tolist()

    intervals = [studentized_interval(sample, trim=trim, resamples=600) for sample in samples]

    covered = np.mean([interval is not None and interval.low <= 0.3 <= interval.high for interval in intervals])
    assert covered == pytest.approx(0.945, abs=0.02)


def test_of_many_units_it_is_the_t_interval() -> None:
    values = np.random.default_rng(1).normal(0.0, 1.0, 400)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)

    interval = studentized_interval(values.tolist(), resamples=20_000)

    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=0.01)


def test_the_interval_reaches_further_where_values_are_rare() -> None:
    values = np.random.default_rng(2).exponential(1.0, 20)

    interval = studentized_interval(values.tolist())

    assert interval is not None
    assert interval.high - values.mean() > 1.3 * (values.mean() - interval.low)


def test_the_interquartile_mean_is_scipys_trimmed_mean_and_ignores_extremes() -> None:
    values = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 100.0]

    estimate = interquartile_mean(values)

    assert estimate.mean == pytest.approx(stats.trim_mean(values, 0.25), rel=1e-12)
    assert estimate.interval is not None
    assert estimate.interval.high < 1.5


def test_the_same_values_give_the_same_interval() -> None:
    values = [0.1, 0.4, 0.2, 0.9, 0.3]

    assert studentized_interval(values) == studentized_interval(values)


def test_few_units_have_no_interval() -> None:
    assert studentized_interval([1.0, 2.0, 3.0, 4.0]) is None
    assert interquartile_mean([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]).interval is None
    assert np.isnan(interquartile_mean([]).mean)
    assert interquartile_mean([0.5]).mean == 0.5


def test_units_that_are_all_the_same_have_a_point() -> None:
    interval = studentized_interval([0.5] * 6)

    assert interval is not None
    assert (interval.low, interval.high) == (0.5, 0.5)

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

from harness.reporting.statistics import mcnemar_p, rate_of


@pytest.mark.parametrize(("events", "total"), [(0, 10), (3, 20), (40, 40)])
def test_the_interval_is_that_of_statsmodels(events: int, total: int) -> None:
    rate = rate_of(events, total)

    assert rate.interval is not None
    assert rate.share == events / total
    assert (rate.interval.low, rate.interval.high) == pytest.approx(
        proportion_confint(events, total, method="beta"), rel=1e-9
    )


def test_none_of_ten_still_allows_a_third() -> None:
    interval = rate_of(0, 10).interval

    assert interval is not None
    assert interval.high == pytest.approx(0.31, abs=0.005)


def test_of_nothing_there_is_no_rate() -> None:
    rate = rate_of(0, 0)

    assert rate.interval is None
    assert np.isnan(rate.share)


@pytest.mark.parametrize(("first", "second"), [(7, 1), (1, 7), (3, 3), (0, 5)])
def test_mcnemars_test_is_that_of_statsmodels(first: int, second: int) -> None:
    assert mcnemar_p(first, second) == pytest.approx(mcnemar([[9, first], [second, 4]], exact=True).pvalue, rel=1e-12)


def test_where_no_pair_disagrees_nothing_is_found() -> None:
    assert mcnemar_p(0, 0) == 1.0


@pytest.mark.parametrize("total", [1, 2, 7, 36, 250])
def test_intervals_and_p_values_are_scipys_to_the_bit(total: int) -> None:
    for events in range(0, total + 1, 1 + total // 20):
        tested = stats.binomtest(events, total)
        expected = tested.proportion_ci(0.95, method="exact")

        interval = rate_of(events, total).interval

        assert interval is not None
        assert (interval.low, interval.high) == (expected.low, expected.high)
        assert mcnemar_p(events, total - events) == tested.pvalue

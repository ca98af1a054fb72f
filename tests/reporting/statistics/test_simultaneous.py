from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from harness.reporting.statistics import simultaneous_band


def drawn(units: int, points: int, seed: int = 0, kept: float = 0.9) -> NDArray[np.float64]:
    """Return curves `[units, points]` of mean zero, each point of which keeps much of the one before."""
    noise = np.random.default_rng(seed).standard_normal((units, points))
    curves = noise.copy()
    for point in range(1, points):
        curves[:, point] = kept * curves[:, point - 1] + np.sqrt(1 - kept**2) * noise[:, point]
    return curves


def test_the_reach_is_the_quantile_of_the_largest_statistic_over_all_patterns_of_signs() -> None:
    curves = drawn(7, 4)
    residuals = curves - curves.mean(axis=0)
    largest = []
    for signs in product((-1.0, 1.0), repeat=7):
        flipped = residuals * np.array(signs)[:, None]
        errors = flipped.std(axis=0, ddof=1) / np.sqrt(7)
        largest.append(np.max(np.abs(flipped.mean(axis=0)) / errors))

    band = simultaneous_band(curves)

    assert band is not None
    assert band.reach == pytest.approx(np.quantile(largest, 0.95, method="higher"), rel=1e-9)
    errors = stats.sem(curves)
    assert band.low == pytest.approx(curves.mean(axis=0) - band.reach * errors, rel=1e-12)
    assert band.high == pytest.approx(curves.mean(axis=0) + band.reach * errors, rel=1e-12)


@pytest.mark.parametrize(("units", "points"), [(5, 25), (8, 60), (20, 25)])
def test_the_band_holds_whole_curves_where_pointwise_intervals_do_not(units: int, points: int) -> None:
    curves = np.stack([drawn(units, points, seed) for seed in range(400)])
    bands = [band for band in map(simultaneous_band, curves) if band is not None]
    held = [bool(((band.low <= 0) & (band.high >= 0)).all()) for band in bands]
    ends = stats.ttest_1samp(curves, 0, axis=1).confidence_interval(0.95)
    alone = ((ends.low <= 0) & (ends.high >= 0)).all(axis=1)

    # The simulation error of a share of 95 % among 400 is 1.1 percentage points.
    assert len(held) == 400
    assert 0.91 <= np.mean(held) <= 0.985
    assert np.mean(alone) < 0.7


def test_of_one_point_it_is_the_t_interval() -> None:
    curves = drawn(9, 1)
    expected = stats.ttest_1samp(curves[:, 0], 0).confidence_interval(0.95)

    band = simultaneous_band(curves)

    assert band is not None
    assert (band.low[0], band.high[0]) == pytest.approx((expected.low, expected.high), rel=1e-12)


@pytest.mark.parametrize("units", [5, 6, 13, 40])
def test_it_lies_between_pointwise_intervals_and_bonferronis(units: int) -> None:
    for seed in range(20):
        band = simultaneous_band(drawn(units, 30, seed))

        assert band is not None
        assert stats.t.ppf(0.975, units - 1) <= band.reach <= stats.t.ppf(1 - 0.025 / 30, units - 1) * (1 + 1e-12)


def test_where_units_do_not_differ_the_band_is_a_point_and_costs_the_others_nothing() -> None:
    curves = drawn(8, 5)

    alone, beside = simultaneous_band(curves), simultaneous_band(np.hstack([np.full((8, 50), 0.1), curves]))
    still = simultaneous_band(np.full((8, 3), 0.1))

    assert alone is not None
    assert beside is not None
    assert still is not None
    assert beside.reach == alone.reach
    assert (beside.low[:50] == beside.high[:50]).all()
    assert (still.low == still.high).all()


@pytest.mark.parametrize("units", [6, 30])
def test_the_same_curves_give_the_same_band(units: int) -> None:
    one, other = (simultaneous_band(drawn(units, 20)) for _ in range(2))

    assert one is not None
    assert other is not None
    assert one.low.tobytes() == other.low.tobytes()
    assert one.reach == other.reach


def test_few_units_and_no_points_have_no_band() -> None:
    assert simultaneous_band(drawn(4, 3)) is None
    assert simultaneous_band(np.empty((8, 0))) is None


def test_units_without_a_value_are_refused() -> None:
    with pytest.raises(ValueError, match="expected finite curves"):
        simultaneous_band(np.array([[0.0], [1.0], [2.0], [3.0], [np.nan]]))

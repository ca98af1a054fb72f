import numpy as np
import pytest
from statsmodels.regression.mixed_linear_model import MixedLM

from harness.reporting.statistics import Spread, spread_of


def spread_between(differences: list[list[float]]) -> Spread:
    """Split the spread of differences given by configuration, each with seeds that no other has."""
    units = [unit for unit, values in enumerate(differences) for _ in values]
    return spread_of(units, range(len(units)), [value for values in differences for value in values])


def sd_of_means(spread: Spread, seeds: int) -> float:
    error = spread.error("own", 16, seeds)
    assert error is not None
    return 4 * error.se


def drawn(configurations: int, seeds: int, between: float, within: float) -> list[list[float]]:
    stream = np.random.default_rng(0)
    effects = between * stream.standard_normal((configurations, 1))
    found: list[list[float]] = (effects + within * stream.standard_normal((configurations, seeds))).tolist()
    return found


def test_the_components_are_those_of_a_mixed_model() -> None:
    differences = drawn(40, 4, between=1.0, within=0.6)
    flat, groups = np.concatenate(differences), np.repeat(np.arange(40), 4)
    fitted = MixedLM(flat, np.ones((160, 1)), groups).fit(reml=True)

    spread = spread_between(differences)

    assert spread.between == pytest.approx(float(np.sqrt(fitted.cov_re[0, 0])), rel=1e-3)
    assert spread.within == pytest.approx(float(np.sqrt(fitted.scale)), rel=1e-3)


def test_more_seeds_take_off_noise_and_leave_what_differs() -> None:
    spread = spread_between(drawn(60, 3, between=1.0, within=2.0))

    assert sd_of_means(spread, 3) == pytest.approx(spread.observed)
    assert sd_of_means(spread, 1) > sd_of_means(spread, 3) > sd_of_means(spread, 1_000) > spread.between
    assert sd_of_means(spread, 10**9) == pytest.approx(spread.between)


def test_where_noise_explains_everything_configurations_do_not_differ() -> None:
    assert spread_between([[1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]]).between == 0.0


def test_with_one_seed_each_noise_cannot_be_told_apart() -> None:
    spread = spread_between([[1.0], [2.0], [4.0]])

    assert np.isnan(spread.within)
    assert spread.between == spread.observed == pytest.approx(np.std([1, 2, 4], ddof=1))
    assert sd_of_means(spread, 1) == spread.observed
    assert np.isnan(sd_of_means(spread, 2))


def test_configurations_with_different_numbers_of_seeds_are_taken_as_they_are() -> None:
    spread = spread_between([[1.0, 1.2, 0.8], [2.0], [3.0, 3.4], []])

    assert spread.units == 3
    assert spread.seeds == pytest.approx(3 / (1 / 3 + 1 + 1 / 2))


def test_the_cautious_spread_is_passed_by_the_truth_in_one_of_five_pilots() -> None:
    stream = np.random.default_rng(0)
    pilots = [spread_between([[value] for value in stream.normal(size=8)]) for _ in range(2_000)]

    too_small = np.mean([pilot.observed * pilot.caution < 1.0 for pilot in pilots])

    assert too_small == pytest.approx(0.2, abs=0.03)


def test_one_configuration_shows_no_spread() -> None:
    with pytest.raises(ValueError, match="two configurations or more, found 1"):
        spread_between([[1.0, 2.0], []])

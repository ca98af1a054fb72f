import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from harness.core.seed_layout import seeds_of
from harness.reporting.statistics import Components, TwoWayLayout, mean_estimate, mean_over_seeds

UNITS, SEEDS = 8, 3


def drawn(seeds_alike: float, stream: int = 0) -> NDArray[np.float64]:
    """Return differences `[units, seeds]` of a complete layout."""
    generator = np.random.default_rng(stream)
    of_units, of_seeds = generator.normal(0, 1, (UNITS, 1)), generator.normal(0, 1, (1, SEEDS))
    return 0.5 * of_units + seeds_alike * of_seeds + 0.3 * generator.normal(0, 1, (UNITS, SEEDS))


def complete() -> TwoWayLayout:
    return TwoWayLayout(np.repeat(np.arange(UNITS), SEEDS), np.tile(np.arange(SEEDS), UNITS))


def with_gaps(values: NDArray[np.float64]) -> tuple[pd.DataFrame, TwoWayLayout]:
    frame = pd.DataFrame({"y": values.ravel(), "unit": np.repeat(np.arange(UNITS), SEEDS)})
    frame = frame.assign(seed=np.tile(np.arange(SEEDS), UNITS)).drop(index=[1, 5, 6, 15])
    return frame, TwoWayLayout(frame["unit"], frame["seed"])


def test_of_a_complete_layout_the_variance_is_that_of_the_three_mean_squares() -> None:
    values = drawn(0.8)
    table = anova_lm(
        ols(
            "y ~ C(unit) + C(seed)",
            with_gaps(values)[0]
            .iloc[:0]
            .reindex(range(24))
            .assign(y=values.ravel(), unit=np.repeat(np.arange(UNITS), SEEDS), seed=np.tile(np.arange(SEEDS), UNITS)),
        ).fit()
    )
    squares, dfs = table["mean_sq"].to_numpy(), table["df"].to_numpy()
    variance = (squares[0] + squares[1] - squares[2]) / (UNITS * SEEDS)
    df = (squares[0] + squares[1] - squares[2]) ** 2 / (squares**2 / dfs).sum()

    estimate = mean_over_seeds(complete(), values.ravel().tolist())

    assert estimate.error is not None
    assert estimate.interval is not None
    assert estimate.error.se == pytest.approx(np.sqrt(variance), rel=1e-9)
    assert estimate.df == pytest.approx(max(df, SEEDS - 1), rel=1e-9)
    half = stats.t.ppf(0.975, estimate.df) * np.sqrt(variance)
    assert estimate.interval.high - estimate.mean == pytest.approx(half)


def test_with_gaps_the_sums_of_squares_are_those_of_a_regression() -> None:
    frame, layout = with_gaps(drawn(0.8))
    after_units = anova_lm(ols("y ~ C(unit) + C(seed)", frame).fit())
    after_seeds = anova_lm(ols("y ~ C(seed) + C(unit)", frame).fit())

    components = layout.components(frame["y"].to_numpy())

    assert layout.dfs == (UNITS - 1, SEEDS - 1, after_units.loc["Residual", "df"])
    assert components.rest == pytest.approx(after_units.loc["Residual", "mean_sq"])
    slopes = layout._slopes
    assert slopes[0] * components.units + components.rest == pytest.approx(after_seeds.loc["C(unit)", "mean_sq"])
    assert slopes[1] * components.seeds + components.rest == pytest.approx(after_units.loc["C(seed)", "mean_sq"])


def test_with_gaps_the_components_are_right_on_average() -> None:
    found = []
    for stream in range(1_000):
        frame, layout = with_gaps(drawn(0.8, stream))
        components = layout.components(frame["y"].to_numpy())
        found.append((components.units, components.seeds, components.rest))

    assert np.mean(found, axis=0) == pytest.approx((0.25, 0.64, 0.09), rel=0.1)


def test_few_degrees_of_freedom_of_the_square_that_is_taken_off_do_not_widen_the_interval() -> None:
    pooled = [seeds_of("pooled", unit, SEEDS) for unit in range(UNITS)]
    layout = TwoWayLayout(np.repeat(np.arange(UNITS), SEEDS), np.concatenate(pooled))
    found = [layout.error(Components(0.0, 0.0, 1.0)), layout.error(Components(-0.1, 0.1, 1.0))]

    assert layout.dfs[2] < min(layout.dfs[:2])
    assert all(error is not None and error.df >= min(layout.dfs[:2]) for error in found)


def test_the_interval_is_never_shorter_than_the_one_that_ignores_shared_seeds() -> None:
    for stream in range(40):
        values = drawn(0.1, stream)
        plain = mean_estimate(values.mean(axis=1).tolist())

        shared = mean_over_seeds(complete(), values.ravel().tolist())

        assert plain.interval is not None
        assert shared.interval is not None
        assert shared.mean == pytest.approx(plain.mean)
        assert shared.interval.high - shared.mean >= (plain.interval.high - plain.mean) * (1 - 1e-12)


def test_seeds_that_no_two_units_share_leave_the_plain_estimate() -> None:
    values = drawn(0.8)
    own = TwoWayLayout(np.repeat(np.arange(UNITS), SEEDS), np.arange(UNITS * SEEDS))

    estimate = mean_over_seeds(own, values.ravel().tolist())

    assert estimate == mean_estimate(values.mean(axis=1).tolist())
    assert not own.shared


def test_one_seed_for_all_has_no_interval() -> None:
    estimate = mean_over_seeds(TwoWayLayout(range(9), [4] * 9), np.arange(9.0).tolist())

    assert (estimate.interval, estimate.mean, estimate.df) == (None, 4.0, 0)
    assert np.isnan(estimate.p)


def test_seeds_that_hardly_matter_and_cannot_be_told_widen_the_interval() -> None:
    units, seeds = np.repeat(np.arange(6), 2), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0]
    values = np.random.default_rng(0).normal(size=12)
    plain = mean_estimate(values.reshape(6, 2).mean(axis=1).tolist())

    estimate = mean_over_seeds(TwoWayLayout(units, seeds), values.tolist())

    assert estimate.error is not None
    assert plain.error is not None
    assert 1 < estimate.error.se / plain.error.se < 1.3


def test_differences_that_are_all_the_same_leave_a_point() -> None:
    estimate = mean_over_seeds(complete(), [0.1] * (UNITS * SEEDS))

    assert estimate.interval is not None
    assert estimate.interval.low == estimate.interval.high == pytest.approx(0.1)
    assert not estimate.spreads

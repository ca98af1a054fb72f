"""Where the spread of paired differences comes from: configurations that differ, and seeds that are noise."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from harness.core.seed_layout import SeedLayout, seeds_of
from harness.reporting.statistics._base import LEVEL, as_units, t_quantile
from harness.reporting.statistics.crossed import Components, MeanError, TwoWayLayout
from harness.reporting.statistics.mean import mean_over_seeds

__all__ = ["Spread", "spread_of"]

CAUTION = 0.8


@dataclass(frozen=True)
class Spread:
    """The standard deviations behind the paired differences.

    Attributes:
        between: of the effect, from one configuration to another.
        within: of the difference, from one seed to another of the same configuration; NaN if no configuration has two.
        alike: the part of `within` that a seed brings to all configurations; NaN if no two have a seed in common.
        observed: of the configurations' means, as they are.
        units: configurations.
        seeds: seeds of a configuration, the harmonic mean.
        df: degrees of freedom with which the error of the mean is known.
    """

    between: float
    within: float
    alike: float
    observed: float
    units: int
    seeds: float
    df: float

    @property
    def caution(self) -> float:
        """How many times larger the spread may be than it looks: its upper 80 % limit (Browne, 1995).

        Half of all pilots show too small a spread, and a study planned by one of those is too small.
        """
        return float(np.sqrt(self.df / (2 * special.gammaincinv(self.df / 2, 1 - CAUTION))))

    def error(self, layout: SeedLayout, units: int, seeds: int) -> MeanError | None:
        """Return the error of the mean of a study of so many configurations and seeds; None if it has no interval.

        Where a pilot with seeds of its own is asked about seeds that are shared, all noise of seeds counts as shared.
        """
        if layout == "own":
            return MeanError(self._sd_of_means(seeds) / float(np.sqrt(units)), units - 1)
        alike = self.within if np.isnan(self.alike) else self.alike
        rest = max(self.within**2 - alike**2, 0.0)
        plain = MeanError(float(np.sqrt((self.between**2 + rest / seeds) / units)), units - 1)
        shared = _layout(layout, units, seeds)
        if not shared.estimable:
            worst = shared.worst_inflation
            return MeanError(self._sd_of_means(seeds) * float(np.sqrt(worst / units)), units - 1) if worst else None
        known = shared.error(Components(self.between**2, alike**2, rest))
        return max(filter(None, (plain, known)), key=lambda error: t_quantile(LEVEL, error.df) * error.se)

    def _sd_of_means(self, seeds: int) -> float:
        """Return the standard deviation of configurations' means over seeds that no other configuration has."""
        if seeds == self.seeds and np.isnan(self.alike):
            return self.observed
        return float(np.sqrt(self.between**2 + self.within**2 / seeds))


def spread_of(units: ArrayLike, seeds: ArrayLike, differences: ArrayLike) -> Spread:
    """Split the spread of paired differences, given with their configuration and their seed, all `[pairs]`.

    The method of moments. Where nothing is left of a part, it is zero.

    Raises:
        ValueError: fewer than two configurations.
    """
    values, layout = as_units(np.asarray(differences, dtype=np.float64).tolist()), TwoWayLayout(units, seeds)
    if layout.units < 2:
        raise ValueError(f"expected the differences of two configurations or more, found {layout.units}")
    sizes = np.bincount(layout.rows)
    means, rounds = np.bincount(layout.rows, values) / sizes, float(np.mean(1 / sizes))
    observed, spare = float(np.var(means, ddof=1)), int((sizes - 1).sum())
    alike = np.nan
    if layout.shared and layout.estimable:
        between, alike, rest = _parts(layout.components(values))
        within = alike + rest
    else:
        within = float(((values - means[layout.rows]) ** 2).sum()) / spare if spare else np.nan
        between = max(observed - within * rounds, 0.0) if spare else observed
    df = mean_over_seeds(layout, values.tolist()).df or layout.units - 1
    return Spread(
        *(float(np.sqrt(between)), float(np.sqrt(within)), float(np.sqrt(alike)), float(np.sqrt(observed))),
        *(layout.units, float(1 / rounds), df),
    )


def _parts(components: Components) -> tuple[float, float, float]:
    return max(components.units, 0.0), max(components.seeds, 0.0), max(components.rest, 0.0)


@lru_cache(maxsize=256)
def _layout(layout: SeedLayout, units: int, seeds: int) -> TwoWayLayout:
    each = [seeds_of(layout, unit, seeds) for unit in range(units)]
    return TwoWayLayout(np.repeat(np.arange(units), seeds), np.concatenate(each))

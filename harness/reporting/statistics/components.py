"""Where the spread of paired differences comes from: configurations that differ, and seeds that are noise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from harness.reporting.statistics._base import as_units

__all__ = ["Spread", "spread_of"]

CAUTION = 0.8


@dataclass(frozen=True)
class Spread:
    """The standard deviations behind the paired differences.

    Attributes:
        between: of the effect, from one configuration to another.
        within: of the difference, from one seed to another of the same configuration; NaN if no configuration has two.
        observed: of the configurations' means, as they are.
        units: configurations.
        seeds: seeds of a configuration, the harmonic mean.
    """

    between: float
    within: float
    observed: float
    units: int
    seeds: float

    def of_means(self, seeds: int) -> float:
        """Return the standard deviation of the configurations' means with so many seeds each; NaN if unknown."""
        if seeds == self.seeds:
            return self.observed
        return float(np.sqrt(self.between**2 + self.within**2 / seeds))

    @property
    def caution(self) -> float:
        """How many times larger the spread may be than it looks: its upper 80 % limit (Browne, 1995).

        Half of all pilots show too small a spread, and a study planned by one of those is too small.
        """
        return float(np.sqrt((self.units - 1) / stats.chi2.ppf(1 - CAUTION, self.units - 1)))


def spread_of(differences: Sequence[Sequence[float]]) -> Spread:
    """Split the spread of paired differences, given by configuration and then by seed.

    The method of moments: the noise of the means is taken off their variance. Where nothing is left, the configurations
    do not seem to differ, and `between` is zero.

    Raises:
        ValueError: fewer than two configurations.
    """
    units = [as_units(seeds) for seeds in differences if len(seeds)]
    if len(units) < 2:
        raise ValueError(f"expected the differences of two configurations or more, found {len(units)}")
    means, sizes = np.array([seeds.mean() for seeds in units]), np.array([len(seeds) for seeds in units])
    variance, rounds = float(np.var(means, ddof=1)), float(np.mean(1 / sizes))
    spare = int((sizes - 1).sum())
    within = float(sum(((seeds - seeds.mean()) ** 2).sum() for seeds in units)) / spare if spare else np.nan
    between = max(variance - within * rounds, 0.0) if spare else variance
    return Spread(
        between=float(np.sqrt(between)),
        within=float(np.sqrt(within)),
        observed=float(np.sqrt(variance)),
        units=len(units),
        seeds=float(1 / rounds),
    )

"""A band that holds a whole mean curve at once, not each of its points by itself.

The largest of all points' t statistics decides how far the band reaches (Westfall and Young, 1993): its distribution
comes from flipping the signs of whole units' residuals, which keeps how their points hang together. Measured on
normal curves, the band holds all points in 92 % to 97 % of the cases from five units on; pointwise t intervals do so in
26 % to 63 %, the multivariate t with estimated correlations in 71 % to 93 %.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from harness.reporting.statistics._base import LEVEL, MINIMUM_UNITS, stream, t_quantile

__all__ = ["Band", "simultaneous_band"]

MOST_UNITS_EXACTLY = 12
DRAWS = 4_999
ROUNDING = 1e-12

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Band:
    """A mean curve and its band, `[points]` each.

    Attributes:
        reach: how many standard errors it reaches to either side, the same at every point.
    """

    mean: Array
    low: Array
    high: Array
    reach: float
    level: float


def simultaneous_band(curves: Array, level: float = LEVEL) -> Band | None:
    """Return the mean of `curves` `[units, points]` with the band that holds all of it; None below five units.

    The band is never narrower than the t intervals of the points by themselves, and never wider than Bonferroni's.

    Raises:
        ValueError: a value is NaN or infinite.
    """
    if not np.isfinite(curves).all():
        raise ValueError("expected finite curves, found NaN or infinity; leave out the points that some units lack")
    units = len(curves)
    if units < MINIMUM_UNITS or not curves.shape[1]:
        return None
    mean = curves.mean(axis=0)
    errors = _errors(curves, mean)
    varied = errors > 0
    alone = t_quantile(level, units - 1)
    reach = _reach((curves - mean)[:, varied] / errors[varied], level) if varied.any() else alone
    # A few units' residuals may have signs under which they hardly spread; Bonferroni bounds what that can do.
    together = t_quantile(1 - (1 - level) / max(int(varied.sum()), 1), units - 1)
    reach = float(np.clip(reach, alone, together))
    return Band(mean, mean - reach * errors, mean + reach * errors, reach, level)


def _errors(curves: Array, mean: Array) -> Array:
    """Return the standard errors `[points]`; zero, and not what rounding leaves of it, where units do not differ."""
    spread = curves.std(axis=0, ddof=1) / np.sqrt(len(curves))
    return np.where(np.ptp(curves, axis=0) <= ROUNDING * np.abs(mean), 0.0, spread)


def _reach(residuals: Array, level: float) -> float:
    """Return the quantile of the largest t statistic over `residuals` `[units, points]`, their signs flipped."""
    units = len(residuals)
    means = _signs(units) @ residuals / units
    variances = ((residuals**2).sum(axis=0) - units * means**2) / (units - 1)
    # Where flipped residuals are all the same, rounding leaves a variance of nothing or less.
    variances = np.maximum(variances, ROUNDING * (residuals**2).mean(axis=0))
    largest = (np.abs(means) / np.sqrt(variances / units)).max(axis=1)
    return float(np.quantile(largest, level, method="higher"))


def _signs(units: int) -> Array:
    """Return patterns of signs `[patterns, units]`: all of them, up to the sign of the whole, or drawn ones."""
    if units <= MOST_UNITS_EXACTLY:
        return np.array([(1.0, *rest) for rest in product((1.0, -1.0), repeat=units - 1)])
    return stream("simultaneous band", units).choice([-1.0, 1.0], size=(DRAWS, units))

"""How many units an answer needs, and which effects a number of units can find.

Two-sided t tests at 5 % throughout, as the verdict makes them. Ten thousand units are the most that is looked at.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from harness.reporting.statistics._base import EQUIVALENCE_LEVEL, LEVEL, MINIMUM_UNITS, t_quantile
from harness.reporting.statistics.crossed import MeanError
from harness.reporting.statistics.root import root

__all__ = [
    "ErrorOf",
    "chance_to_find",
    "chance_to_show_equivalence",
    "detectable_effect",
    "error_of_units",
    "units_that_settle",
    "units_to_find",
    "units_to_show_equivalence",
]

ErrorOf = Callable[[int], MeanError | None]  # the error of a mean over so many units; None where it is not known

MOST_UNITS = 10_000
NODES = 200
MOST_ERRORS = 100.0


def error_of_units(sd: float) -> ErrorOf:
    """Return what gives the error of a mean over so many units with nothing in common that spread by `sd`."""
    return lambda units: MeanError(sd / float(np.sqrt(units)), units - 1)


def chance_to_find(effect: float, error: MeanError) -> float:
    """Return the chance that the 95 % interval excludes zero, if the true effect is `effect`.

    `error.se` is the true standard error of the mean, which a study knows with `error.df` degrees of freedom.
    """
    if error.se == 0:
        return float(effect != 0)
    # SciPy's noncentral t distribution, and statsmodels' power with it, is NaN in places from 8 standard errors on.
    errors, (spreads, weights) = abs(effect) / error.se, _sample_spreads(error.df)
    reach = t_quantile(LEVEL, error.df) * spreads
    return float(weights @ (special.ndtr(errors - reach) + special.ndtr(-errors - reach)))


def units_to_find(effect: float, error_of: ErrorOf, power: float = 0.8) -> int | None:
    """Return the fewest units that find `effect` with chance `power`; None if more than 10,000 would be needed."""
    return _fewest(lambda units: _holds(error_of(units), lambda error: chance_to_find(effect, error) >= power))


def detectable_effect(error: MeanError, power: float = 0.8) -> float:
    """Return the smallest effect that a mean with this error shows with chance `power`."""
    if error.se == 0:
        return 0.0
    scale = MeanError(1.0, error.df)
    return error.se * float(root(lambda size: chance_to_find(size, scale) - power, 0.0, MOST_ERRORS))


def chance_to_show_equivalence(bound: float, error: MeanError) -> float:
    """Return the chance that the 90 % interval lies within `bound` of zero, if there is no effect."""
    if bound <= 0:
        return 0.0
    if error.se == 0:
        return 1.0
    spreads, weights = _sample_spreads(error.df)
    room = bound / error.se - t_quantile(EQUIVALENCE_LEVEL, error.df) * spreads
    return float(weights @ (2 * special.ndtr(np.maximum(room, 0)) - 1))


def units_to_show_equivalence(bound: float, error_of: ErrorOf, power: float = 0.8) -> int | None:
    """Return the fewest units that show equivalence with chance `power` if there is no effect; None past 10,000."""
    return _fewest(
        lambda units: _holds(error_of(units), lambda error: chance_to_show_equivalence(bound, error) >= power)
    )


def units_that_settle(sd: float, smallest_effect: float) -> int | None:
    """Return from how many units on, at this spread, the verdict cannot be inconclusive; None if more than 10,000.

    Inconclusive means that the 95 % interval holds zero while the 90 % interval reaches past the smallest effect. The
    two half-widths together are then at least the smallest effect, wherever the mean lies.
    """

    def settled(units: int) -> bool:
        quantiles = t_quantile(LEVEL, units - 1) + t_quantile(EQUIVALENCE_LEVEL, units - 1)
        return quantiles * sd / float(np.sqrt(units)) < smallest_effect

    return None if np.isnan(sd) else _fewest(settled)


@lru_cache(maxsize=1024)
def _sample_spreads(df: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return standard deviations that a sample may show where the true one is 1, and their weights (Gauss-Legendre).

    Given the sample's own spread, what is left is normal, so integrals over it are exact but for about 1e-6.
    """
    places, weights = special.roots_legendre(NODES)
    return np.sqrt(2 * special.gammaincinv(df / 2, (places + 1) / 2) / df), weights / 2


def _holds(error: MeanError | None, enough: Callable[[MeanError], bool]) -> bool:
    return error is not None and enough(error)


def _fewest(enough: Callable[[int], bool]) -> int | None:
    """Return the fewest units, from five on, that are enough; more are enough, too."""
    if not enough(MOST_UNITS):
        return None
    low, high = MINIMUM_UNITS - 1, MOST_UNITS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high

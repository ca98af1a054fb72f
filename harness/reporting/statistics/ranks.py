"""The companion that few outliers cannot move: the Hodges-Lehmann estimate with the exact Wilcoxon interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from harness.reporting.statistics._base import LEVEL, Interval, as_units
from harness.reporting.statistics.mean import MeanEstimate

__all__ = ["ShiftEstimate", "disagree", "hodges_lehmann"]

MINIMUM_UNITS_FOR_RANKS = 8
MOST_UNITS_EXACTLY = 300


@dataclass(frozen=True)
class ShiftEstimate:
    """The Hodges-Lehmann estimate, with the Wilcoxon interval (exact up to 300 units) if there are at least 8 units."""

    shift: float
    interval: Interval | None


def hodges_lehmann(values: Sequence[float]) -> ShiftEstimate:
    """Estimate the center of symmetric `values` in a way that few outliers cannot move (Hodges and Lehmann, 1963)."""
    if not len(values):
        return ShiftEstimate(np.nan, None)
    units = as_units(values)
    first, second = np.triu_indices(len(units))
    means = np.sort((units[first] + units[second]) / 2)
    shift = float(np.median(means))
    if len(units) < MINIMUM_UNITS_FOR_RANKS:
        return ShiftEstimate(shift, None)
    cut, level = _cut(len(units))
    return ShiftEstimate(shift, Interval(float(means[cut - 1]), float(means[-cut]), level))


def disagree(estimate: MeanEstimate, companion: ShiftEstimate) -> bool:
    """Whether mean and Hodges-Lehmann estimate differ in sign, or in whether their intervals exclude zero."""
    if estimate.interval is None or companion.interval is None:
        return False
    signs = estimate.mean * companion.shift < 0
    return signs or estimate.interval.excludes_zero != companion.interval.excludes_zero


@lru_cache(maxsize=1024)
def _cut(units: int) -> tuple[int, float]:
    """Return which of the sorted pairwise means, counted from either end, bounds the interval, and its true level."""
    if units > MOST_UNITS_EXACTLY:
        sd = np.sqrt(units * (units + 1) * (2 * units + 1) / 24)
        return int(units * (units + 1) / 4 - special.ndtri(0.5 + LEVEL / 2) * sd), LEVEL
    below = np.cumsum(_signed_rank_distribution(units))
    cut = int(np.searchsorted(below, (1 - LEVEL) / 2, side="right"))
    return cut, float(1 - 2 * below[cut - 1])


def _signed_rank_distribution(units: int) -> NDArray[np.float64]:
    """Return the probabilities of the signed-rank statistic under symmetry about zero, from 0 up."""
    chances = np.ones(1)
    for rank in range(1, units + 1):
        longer = np.zeros(len(chances) + rank)
        longer[: len(chances)] += chances / 2
        longer[rank:] += chances / 2
        chances = longer
    return chances

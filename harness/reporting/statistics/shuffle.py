"""A test that groups differ: were they all alike, each unit could as well stand in another group."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.reporting.statistics._base import MINIMUM_UNITS, as_units, stream

__all__ = ["groups_differ_p"]

DRAWS = 4_999
ROUNDING = 1e-9


def groups_differ_p(groups: Sequence[Sequence[float]]) -> float:
    """Return the p value of a one-way analysis of variance, from units shuffled among the groups.

    NaN for one group alone, below five units, and where all units are the same.
    """
    units = as_units([value for group in groups for value in group])
    if len(groups) < 2 or len(units) < MINIMUM_UNITS or not np.ptp(units):
        return np.nan
    sizes = np.array([len(group) for group in groups])
    found = _between((units - units.mean())[None], sizes)
    shuffled = stream("shuffle").permuted(np.tile(units - units.mean(), (DRAWS, 1)), axis=1)
    as_far = _between(shuffled, sizes) >= found * (1 - ROUNDING)
    return float((1 + as_far.sum()) / (1 + DRAWS))


def _between(units: NDArray[np.float64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the sums of squares between groups, of `[draws, units]`; shuffling changes nothing else in F."""
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    between: NDArray[np.float64] = (np.add.reduceat(units, starts, axis=1) ** 2 / sizes).sum(axis=1)
    return between

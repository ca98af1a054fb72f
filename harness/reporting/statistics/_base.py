"""What all estimates share: an interval, the levels, and how few units are too few."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from harness.core.digest import digest

__all__ = ["EQUIVALENCE_LEVEL", "LEVEL", "MINIMUM_UNITS", "Interval", "as_units", "stream", "t_quantile"]

LEVEL = 0.95
EQUIVALENCE_LEVEL = 0.90
MINIMUM_UNITS = 5


@dataclass(frozen=True)
class Interval:
    """From `low` to `high`, at confidence `level`."""

    low: float
    high: float
    level: float

    def within(self, bound: float) -> bool:
        """Whether it lies inside `(-bound, bound)`."""
        return -bound < self.low and self.high < bound

    @property
    def excludes_zero(self) -> bool:
        """Whether zero lies outside."""
        return self.low > 0 or self.high < 0


def as_units(values: Sequence[float]) -> NDArray[np.float64]:
    """Return `values` as an array `[units]`.

    Raises:
        ValueError: one of them is NaN or infinite; whether to leave it out or to count it is not for here to decide.
    """
    units = np.asarray(values, dtype=np.float64)
    if not np.isfinite(units).all():
        place = int(np.flatnonzero(~np.isfinite(units))[0])
        raise ValueError(f"expected finite values, found {units[place]} at place {place}; decide what it counts as")
    return units


def stream(*purpose: str | int) -> np.random.Generator:
    """Return a generator at the beginning of the stream `purpose`: no two purposes draw the same numbers.

    >>> stream("signs", 1).random() == stream("signs", 1).random() != stream("signs", 2).random()
    True
    """
    return np.random.default_rng(int(digest(purpose), 16))


@lru_cache(maxsize=4096)
def t_quantile(level: float, df: float) -> float:
    """Return how many standard errors a t interval at confidence `level` reaches to either side."""
    return float(special.stdtrit(df, 0.5 + level / 2))

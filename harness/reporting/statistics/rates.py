"""Shares of runs, with exact intervals, and whether pairs disagree more one way than the other."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import special

from harness.reporting.statistics._base import LEVEL, Interval
from harness.reporting.statistics.root import root

__all__ = ["Rate", "mcnemar_p", "rate_of"]

Tail = Callable[[int, int, float], float]  # from events, their total and the chance of each


@dataclass(frozen=True)
class Rate:
    """`events` of `total`, with the Clopper-Pearson interval; none of 10 still allows a share of 31 %."""

    events: int
    total: int
    interval: Interval | None

    @property
    def share(self) -> float:
        """The share, NaN of nothing."""
        return self.events / self.total if self.total else np.nan


def rate_of(events: int, total: int) -> Rate:
    """Return how often something happened, as a share with an exact 95 % interval; None of nothing."""
    if not total:
        return Rate(events, total, None)
    missed, (at_most, more_than) = (1 - LEVEL) / 2, _tails()
    low = root(lambda chance: more_than(events - 1, total, chance) - missed, 0, 1) if events else 0.0
    high = root(lambda chance: at_most(events, total, chance) - missed, 0, 1) if events < total else 1.0
    return Rate(events, total, Interval(float(low), float(high), LEVEL))


def mcnemar_p(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p value of McNemar's test, from the pairs in which one side alone has the event."""
    (fewer, more), discordant = sorted((only_first, only_second)), only_first + only_second
    at_most, more_than = _tails()
    return float(at_most(fewer, discordant, 0.5) + more_than(more - 1, discordant, 0.5)) if fewer < more else 1.0


@cache
def _tails() -> tuple[Tail, Tail]:
    """Return the chances of at most so many events, and of more, as SciPy's binomial distribution computes them.

    SciPy's package `stats` takes a third of a second to import, and its public functions differ in last bits.
    """
    try:
        return special._ufuncs._binom_cdf, special._ufuncs._binom_sf  # noqa: SLF001  # tests compare them with SciPy's own
    except AttributeError:
        from scipy import stats

        return stats.binom.cdf, stats.binom.sf

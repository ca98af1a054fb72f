"""Shares of runs, with exact intervals, and whether pairs disagree more one way than the other."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from harness.reporting.statistics._base import LEVEL, Interval

__all__ = ["Rate", "mcnemar_p", "rate_of"]


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
    found = stats.binomtest(events, total).proportion_ci(LEVEL, method="exact")
    return Rate(events, total, Interval(float(found.low), float(found.high), LEVEL))


def mcnemar_p(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p value of McNemar's test, from the pairs in which one side alone has the event."""
    discordant = only_first + only_second
    return float(stats.binomtest(only_first, discordant).pvalue) if discordant else 1.0

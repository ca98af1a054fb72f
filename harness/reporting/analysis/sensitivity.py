"""Other ways to the same answer: what the primary estimate becomes under other methods, and what it could have found.

None of this decides the verdict. An answer that only one method gives is an answer about the method.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.reporting.analysis.pairing import Comparison, compare
from harness.reporting.data.wording import number
from harness.reporting.statistics import (
    Interval,
    MeanEstimate,
    detectable_effect,
    interquartile_mean,
    sign_flip,
)

__all__ = ["POWER", "Companion", "companions", "detectable"]

POWER = 0.8


@dataclass(frozen=True)
class Companion:
    """One estimate of the difference, beside others.

    Attributes:
        method: in words.
        low: with `high`, the end of an interval or of a range, as `method` says; NaN where there is none.
        p: two-sided, against no difference; NaN where the method has none.
        units: configurations.
    """

    method: str
    value: float
    low: float
    high: float
    p: float
    units: int


def companions(runs: pd.DataFrame, comparison: Comparison) -> tuple[Companion, ...]:
    """Return the primary estimate and its companions, the primary one first."""
    units = comparison.mean.units
    found = [
        _of_mean("mean, t interval at 95 %", comparison.mean),
        *_flipped(comparison),
        _ranks(comparison),
        _middle(comparison),
    ]
    if comparison.imputed:
        completed = compare(runs, comparison.first, comparison.second, comparison.metric).mean
        found.append(_of_mean("mean, completed runs only, t interval at 95 %", completed))
    if comparison.leave_one_out:
        method = "mean, lowest and highest without any one configuration"
        found.append(Companion(method, comparison.mean.mean, *comparison.leave_one_out, np.nan, units))
    return tuple(found)


def detectable(comparison: Comparison, power: float = POWER) -> float | None:
    """Return the smallest difference that such a study finds with chance `power`, at the spread seen.

    By a two-sided test at 5 %. None below five configurations, and where they all show the same difference.
    """
    mean = comparison.mean
    if mean.interval is None or mean.error is None or not mean.spreads:
        return None
    return detectable_effect(mean.error, power)


def _of_mean(method: str, mean: MeanEstimate) -> Companion:
    return Companion(method, mean.mean, *_ends(mean.interval), mean.p, mean.units)


def _flipped(comparison: Comparison) -> list[Companion]:
    differences = comparison.configurations["difference"].tolist()
    tested = sign_flip(differences)
    if tested is None:
        return []
    how = "all patterns" if tested.exact else "99,999 patterns drawn"
    method = f"mean, tested by flipping signs ({how})"
    return [Companion(method, comparison.mean.mean, np.nan, np.nan, tested.p, len(differences))]


def _ranks(comparison: Comparison) -> Companion:
    interval, units = comparison.shift.interval, comparison.mean.units
    exact = f", exact Wilcoxon interval at {number(100 * interval.level, 1)} %" if interval else ""
    return Companion(f"Hodges-Lehmann{exact}", comparison.shift.shift, *_ends(interval), np.nan, units)


def _middle(comparison: Comparison) -> Companion:
    differences = comparison.configurations["difference"].tolist()
    middle = interquartile_mean(differences)
    bootstrap = ", studentized bootstrap interval at 95 %" if middle.interval else ""
    return Companion(f"interquartile mean{bootstrap}", middle.mean, *_ends(middle.interval), np.nan, len(differences))


def _ends(interval: Interval | None) -> tuple[float, float]:
    return (interval.low, interval.high) if interval else (np.nan, np.nan)

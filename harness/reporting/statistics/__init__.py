"""Estimates, intervals and tests for paired differences; a unit is a configuration unless said otherwise.

Plain functions of plain numbers: nothing here knows pandas, studies or runs.

```
mean          the primary estimate and its t interval       equivalence   two one-sided tests, within its intervals
ranks         Hodges-Lehmann and the exact Wilcoxon interval   sign_flip   a test by flipping signs
bootstrap     studentized intervals of trimmed means       multiplicity   Holm
rates         shares of runs, and of pairs that disagree   power          how many units, for which effect
simultaneous  bands that hold a whole curve                shuffle       whether groups differ
components    spread between configurations, noise of seeds
crossed       seeds that configurations have in common      root          where a function is zero
```
"""

from harness.reporting.statistics._base import LEVEL, MINIMUM_UNITS, Interval, stream, t_quantile
from harness.reporting.statistics.bootstrap import TrimmedMean, interquartile_mean, studentized_interval
from harness.reporting.statistics.components import Spread, spread_of
from harness.reporting.statistics.crossed import Components, MeanError, TwoWayLayout
from harness.reporting.statistics.mean import MeanEstimate, equivalent, mean_estimate, mean_over_seeds, t_interval
from harness.reporting.statistics.multiplicity import holm
from harness.reporting.statistics.power import (
    ErrorOf,
    chance_to_find,
    chance_to_show_equivalence,
    detectable_effect,
    error_of_units,
    units_that_settle,
    units_to_find,
    units_to_show_equivalence,
)
from harness.reporting.statistics.ranks import ShiftEstimate, disagree, hodges_lehmann
from harness.reporting.statistics.rates import Rate, mcnemar_p, rate_of
from harness.reporting.statistics.shuffle import groups_differ_p
from harness.reporting.statistics.sign_flip import SignFlipTest, sign_flip
from harness.reporting.statistics.simultaneous import Band, simultaneous_band

__all__ = [
    "LEVEL",
    "MINIMUM_UNITS",
    "Band",
    "Components",
    "ErrorOf",
    "Interval",
    "MeanError",
    "MeanEstimate",
    "Rate",
    "ShiftEstimate",
    "SignFlipTest",
    "Spread",
    "TrimmedMean",
    "TwoWayLayout",
    "chance_to_find",
    "chance_to_show_equivalence",
    "detectable_effect",
    "disagree",
    "equivalent",
    "error_of_units",
    "groups_differ_p",
    "hodges_lehmann",
    "holm",
    "interquartile_mean",
    "mcnemar_p",
    "mean_estimate",
    "mean_over_seeds",
    "rate_of",
    "sign_flip",
    "simultaneous_band",
    "spread_of",
    "stream",
    "studentized_interval",
    "t_interval",
    "t_quantile",
    "units_that_settle",
    "units_to_find",
    "units_to_show_equivalence",
]

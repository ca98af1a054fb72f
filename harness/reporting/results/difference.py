"""The difference between two arms, as reports estimate it."""

from dataclasses import dataclass, replace

import pandas as pd

from harness.core.errors import InputError
from harness.core.spec import did_you_mean
from harness.reporting.analysis.pairing import Comparison, compare
from harness.reporting.context import ReportContext
from harness.reporting.data.measures import Measure
from harness.reporting.data.missing_results import failure_value
from harness.reporting.data.wording import count

__all__ = ["Difference", "difference_of"]


@dataclass(frozen=True)
class Difference:
    """How much higher a metric is under one arm than under another, over configurations.

    The unit is that of the data frames: a share for accuracies, of which reports write percentage points.

    Attributes:
        comparison: everything that was estimated, pair by pair.
        measure: how the metric is read.
    """

    comparison: Comparison
    measure: Measure

    @property
    def mean(self) -> float:
        """The mean over configurations of the first arm's metric minus the second's; NaN without any pair."""
        return float(self.comparison.mean.mean)

    @property
    def interval(self) -> tuple[float, float] | None:
        """The ends of the 95 % interval; None for fewer than five configurations."""
        found = self.comparison.mean.interval
        return (float(found.low), float(found.high)) if found else None

    @property
    def p(self) -> float | None:
        """The two-sided p value of no difference, not adjusted for how many differences are looked at."""
        return self.comparison.mean.p

    @property
    def configurations(self) -> pd.DataFrame:
        """One row a configuration: `trial, seeds, first, second, difference, low, high`, means over seeds."""
        return self.comparison.configurations.copy()

    @property
    def pairs(self) -> pd.DataFrame:
        """One row a configuration and seed: `trial, seed, first, second, difference`."""
        return self.comparison.pairs.copy()

    def __str__(self) -> str:
        found, measure = self.comparison, self.measure
        what = f"{found.first} minus {found.second}, {measure.title}"
        if not found.mean.units:
            return f"{what}: no pair of runs has a result under both arms"
        units = count(found.mean.units, found.unit)
        if found.mean.interval is None:
            return f"{what}: {measure.difference(self.mean)} {measure.unit} over {units}, too few for an interval"
        low, high = (measure.difference(end) for end in (found.mean.interval.low, found.mean.interval.high))
        return f"{what}: {measure.difference(self.mean)} {measure.unit} [{low}, {high}] over {units}"

    __repr__ = __str__


def difference_of(
    context: ReportContext, first: str | None = None, second: str | None = None, metric: str | None = None
) -> Difference:
    """Return the difference between two arms: first minus second.

    Args:
        context: of the study's report.
        first: by default, so is `second`, the arm that the study compares.
        second: see `first`.
        metric: with its split, such as `test/accuracy/all`; by default the one that decides.

    Raises:
        InputError: there is no such arm or metric.
    """
    primary = context.comparison
    first, second, metric = first or primary.first, second or primary.second, metric or primary.metric
    for arm in (first, second):
        _check("arm", arm, context.data.arms)
    _check("metric", metric, [*context.data.metrics, primary.metric])
    if first == second:
        raise InputError(f"expected two arms, found {first!r} twice")
    measure = context.data.measure(metric)
    if (first, second, metric) == (primary.first, primary.second, primary.metric):
        return Difference(primary, measure)
    guess = failure_value(context.data.study.spec, metric)
    found = compare(context.data.runs, first, second, metric, failure_value=guess)
    return Difference(replace(found, unit=primary.unit), measure)


def _check(what: str, name: str, known: list[str]) -> None:
    if name not in known:
        raise InputError(f"no {what} {name!r}.{did_you_mean(name, known)}")

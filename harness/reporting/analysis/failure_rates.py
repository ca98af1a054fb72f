"""How often runs come to nothing, per arm and pair by pair; it stands beside the mean, which rare collapses distort."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.reporting.data.missing_results import diverged, results_of
from harness.reporting.statistics import Rate, mcnemar_p, rate_of

__all__ = ["Collapses", "collapses"]


@dataclass(frozen=True)
class Collapses:
    """Runs that diverged, or ended no better than a guess.

    The intervals and the test take runs as independent. Runs of one configuration are not, so they describe; the
    verdict comes from the mean over configurations.

    Attributes:
        first: of the runs of the first arm that ended; `second` of the second.
        only_first: pairs in which the first arm's run collapsed and the second's did not; `only_second` the reverse.
        pairs: pairs of which both runs ended.
        p: McNemar's exact two-sided p value.
    """

    first: Rate
    second: Rate
    only_first: int
    only_second: int
    pairs: int
    p: float


def collapses(runs: pd.DataFrame, first: str, second: str, metric: str, failure_value: float) -> Collapses:
    """Count the runs of two arms that diverged, or completed with `metric` at or below `failure_value`."""
    values = results_of(runs, metric, failed_as=-np.inf)
    ended = runs.loc[:, ["trial", "seed", "arm"]].assign(fell=values <= failure_value)
    ended = ended[diverged(runs).to_numpy() | np.isfinite(values)]
    arms = [ended.loc[ended["arm"] == arm].drop(columns="arm") for arm in (first, second)]
    pairs = arms[0].merge(arms[1], on=["trial", "seed"], suffixes=("_first", "_second"))
    only_first = int((pairs["fell_first"] & ~pairs["fell_second"]).sum())
    only_second = int((pairs["fell_second"] & ~pairs["fell_first"]).sum())
    rates = [rate_of(int(arm["fell"].sum()), len(arm)) for arm in arms]
    return Collapses(rates[0], rates[1], only_first, only_second, len(pairs), mcnemar_p(only_first, only_second))

"""What makes a comparison weaker than it looks, found in its own numbers."""

import pandas as pd

from harness.core.digest import canonical_json
from harness.reporting.analysis.pairing import Comparison
from harness.reporting.data.measures import Measure
from harness.reporting.data.study_data import PARAM
from harness.reporting.data.wording import count, number

__all__ = ["reservations"]

BUDGET_TOLERANCE = 0.05
STEPS = "cost/steps"


def reservations(runs: pd.DataFrame, comparison: Comparison, measure: Measure) -> list[str]:
    """Return what a reader must know before believing the comparison, as sentences; none of it stops a report."""
    found = (
        _no_spread(comparison),
        _one_seed(comparison),
        _unequal_seeds(comparison),
        _repeated(runs, comparison),
        _unequal_steps(runs, comparison),
        _imputed(comparison, measure),
    )
    return [sentence for sentence in found if sentence]


def _no_spread(comparison: Comparison) -> str:
    if comparison.mean.interval is None or comparison.mean.spreads:
        return ""
    return (
        "All configurations show the same difference, to the last digit, so the interval is a point. Real runs differ: "
        "look whether the arms do anything different, and whether the metric can still move."
    )


def _one_seed(comparison: Comparison) -> str:
    seeds = comparison.configurations["seeds"]
    if not len(seeds) or seeds.max() > 1:
        return ""
    return (
        "Every configuration has one seed: what differs between configurations and what is noise cannot be told apart."
    )


def _unequal_seeds(comparison: Comparison) -> str:
    seeds = comparison.configurations["seeds"]
    if not len(seeds) or seeds.min() == seeds.max():
        return ""
    return (
        f"Configurations have between {seeds.min()} and {count(int(seeds.max()), 'seed')}. Each counts once, so those "
        "with fewer seeds bring more noise."
    )


def _repeated(runs: pd.DataFrame, comparison: Comparison) -> str:
    """Name configurations that were drawn twice: with the same seeds they are the same runs, counted twice."""
    labels = sorted(name for name in map(str, runs.columns) if name.startswith(PARAM))
    drawn = runs.loc[runs["trial"].isin(comparison.configurations["trial"]), ["trial", *labels]]
    points = [canonical_json([str(value) for value in row]) for row in drawn[labels].itertuples(index=False)]
    distinct = drawn.assign(point=points).drop_duplicates("trial")["point"].nunique() if labels else 0
    again = len(comparison.configurations) - distinct
    if not distinct or again <= 0:
        return ""
    return (
        f"{count(again, 'configuration')} {'repeats' if again == 1 else 'repeat'} the searched values of another. The "
        "interval takes all as independent and is too narrow; a larger search space would help."
    )


def _unequal_steps(runs: pd.DataFrame, comparison: Comparison) -> str:
    if STEPS not in runs or not len(comparison.pairs):
        return ""
    pairs = comparison.pairs[["trial", "seed"]]
    first, second = (
        float(pairs.merge(runs[runs["arm"] == arm], on=["trial", "seed"])[STEPS].mean())
        for arm in (comparison.first, comparison.second)
    )
    if not abs(first - second) > BUDGET_TOLERANCE * max(first, second):
        return ""
    return (
        f"The arms did not train equally long: {number(first, 0)} updates under {comparison.first}, "
        f"{number(second, 0)} under {comparison.second}, on average."
    )


def _imputed(comparison: Comparison, measure: Measure) -> str:
    if not comparison.imputed or comparison.failure_value is None:
        return ""
    hold = "holds" if comparison.imputed == 1 else "hold"
    return (
        f"{count(comparison.imputed, 'pair')} {hold} a run that diverged and counts as "
        f"{measure.amount(comparison.failure_value)}. A few such runs can decide a mean: compare it with the completed "
        "runs alone, and with the rate of collapse."
    )

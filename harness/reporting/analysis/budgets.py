"""What the two arms of a comparison spent: as many updates, as many operations, or neither."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from harness.reporting.analysis.pairing import Comparison

__all__ = ["Budgets", "budgets_of"]

STEPS, FLOPS, TOLERANCE = "cost/steps", "cost/flops", 0.05
Pair = tuple[float, float]


@dataclass(frozen=True)
class Budgets:
    """What both arms spent in the pairs whose runs completed, on average.

    Attributes:
        pairs: which completed.
        updates: of both arms.
        operations: of both arms; NaN if they were not counted.
        same_updates: whether both runs of every pair made equally many updates.
    """

    pairs: int
    updates: Pair
    operations: Pair
    same_updates: bool

    @property
    def equal(self) -> Literal["updates", "operations", ""]:
        """What both arms spent as much of, within 5 %; updates come first."""
        if _close(*self.updates):
            return "updates"
        return "operations" if _close(*self.operations) else ""


def budgets_of(runs: pd.DataFrame, comparison: Comparison) -> Budgets | None:
    """Return what both arms of the comparison spent; None if no pair of runs completed with its updates counted."""
    if STEPS not in runs or not len(comparison.pairs):
        return None
    completed = runs.loc[runs["status"] == "completed"]
    both = comparison.pairs[["trial", "seed"]].merge(completed, on=["trial", "seed"])
    steps = _of_arms(both, STEPS, comparison).dropna()
    if not len(steps):
        return None
    flops = _of_arms(both, FLOPS, comparison).reindex(steps.index) if FLOPS in runs else steps * np.nan
    same = bool((steps.iloc[:, 0] == steps.iloc[:, 1]).all())
    return Budgets(len(steps), _means(steps), _means(flops), same)


def _of_arms(runs: pd.DataFrame, cost: str, comparison: Comparison) -> pd.DataFrame:
    wide = runs.pivot_table(index=["trial", "seed"], columns="arm", values=cost)
    return wide.reindex(columns=[comparison.first, comparison.second])


def _means(costs: pd.DataFrame) -> Pair:
    return float(costs.iloc[:, 0].mean()), float(costs.iloc[:, 1].mean())


def _close(first: float, second: float) -> bool:
    return abs(first - second) <= TOLERANCE * max(first, second)

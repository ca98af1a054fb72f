"""Functional ANOVA of a random forest: which share of a target's variance each field accounts for by itself.

A field's main effect is the variance of the forest's mean at each of the field's values, the other fields averaged over
the configurations that were run (Hutter, Hoos and Leyton-Brown, 2014). What is missing to 1 is noise and interplay:
shares of the forest's own variance, as usual, would always add up to much.
"""

from dataclasses import dataclass
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.reporting.importance.encoding import Fields
from harness.reporting.importance.small_forest import MOST_EXAMPLES, small_forest_means

__all__ = ["Marginal", "main_effects", "marginals"]

TREES = 32

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Marginal:
    """One field's values that were run, up to 16 of them, each with the forest's mean at that value in `means`."""

    name: str
    settings: tuple[Any, ...]
    means: tuple[float, ...]


def main_effects(design: Fields, targets: Array, rows: NDArray[np.intp]) -> Array:
    """Return each field's share of each target's variance over its configurations `rows`, `[targets, fields]`."""
    variances = np.take_along_axis(targets, rows, axis=1).var(axis=1)
    parts = zip(_means(design, targets, rows), design.weights, strict=True)
    spreads = np.array([[_spread(own, weights) for own in means] for means, weights in parts]).T
    shares = np.divide(spreads, variances[:, None], out=np.zeros_like(spreads), where=variances[:, None] > 0)
    capped: Array = np.minimum(shares, 1.0)
    return capped


def _spread(values: Array, weights: Array) -> float:
    """Return the variance of weighted values: NumPy's `cov`, to the bit, in a fifth of the time."""
    total = weights.sum()
    apart = values - (values * weights).sum() / total
    return float(np.dot(apart, apart * weights) * (1 / total))


def marginals(design: Fields, target: Array) -> tuple[Marginal, ...]:
    """Return how the forest's mean of `target` goes with each field."""
    means = _means(design, target[None], np.arange(len(target))[None])
    return tuple(
        Marginal(name, settings, tuple(part[0].tolist()))
        for name, settings, part in zip(design.names, design.settings, means, strict=True)
    )


def _means(design: Fields, targets: Array, rows: NDArray[np.intp]) -> list[Array]:
    """Return for each field the forests' means at its settings, `[targets, settings]`."""
    size = rows.shape[1]
    # Leaves of a fixed size would let a continuous field explain as much of the noise of 1,000 configurations as of 20.
    leaf = max(2, isqrt(size) // 2)
    if size <= MOST_EXAMPLES:
        forest_means = small_forest_means
    else:  # imported here, since scikit-learn takes longer to import than a small report takes to compute
        from harness.reporting.importance.forest import forest_means
    own = np.take_along_axis(targets, rows, axis=1)
    found = forest_means(design.inputs[rows], own, design.grid, trees=TREES, leaf=leaf)
    means = found.reshape(len(targets), -1, len(design.background)).mean(axis=2)
    return np.split(means, np.cumsum([len(settings) for settings in design.settings])[:-1], axis=1)

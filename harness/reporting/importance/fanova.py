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

__all__ = ["Marginal", "main_effects", "marginals"]

TREES = 32

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Marginal:
    """One field's values that were run, up to 16 of them, each with the forest's mean at that value in `means`."""

    name: str
    settings: tuple[Any, ...]
    means: tuple[float, ...]


def main_effects(design: Fields, target: Array, rows: NDArray[np.intp]) -> Array:
    """Return each field's share, in `[0, 1]`, of the variance of `target` over the configurations `rows`."""
    means = _means(design, target, rows)
    spreads = [np.cov(part, aweights=weights, ddof=0) for part, weights in zip(means, design.weights, strict=True)]
    variance = float(np.var(target[rows]))
    return np.minimum(np.array(spreads) / variance, 1.0) if variance else np.zeros(len(spreads))


def marginals(design: Fields, target: Array) -> tuple[Marginal, ...]:
    """Return how the forest's mean of `target` goes with each field."""
    means = _means(design, target, np.arange(len(target)))
    return tuple(
        Marginal(name, settings, tuple(part.tolist()))
        for name, settings, part in zip(design.names, design.settings, means, strict=True)
    )


def _means(design: Fields, target: Array, rows: NDArray[np.intp]) -> list[Array]:
    # Half of the time that a small report takes would go into this import, and most small reports need no forest.
    from harness.reporting.importance.forest import forest_means

    # Leaves of a fixed size would let a continuous field explain as much of the noise of 1,000 configurations as of 20.
    leaf = max(2, isqrt(len(rows)) // 2)
    found = forest_means(design.inputs[rows], target[rows], design.grid, trees=TREES, leaf=leaf)
    means = found.reshape(-1, len(design.background)).mean(axis=1)
    return np.split(means, np.cumsum([len(settings) for settings in design.settings])[:-1])

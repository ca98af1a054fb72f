"""PED-ANOVA: which fields the best configurations agree on (arXiv 2304.10255).

A field's importance is the Pearson divergence between the density of its values among the best configurations and the
density among all: zero if the best are like all others. The densities are kernel estimates on a grid of the field's
values, with one more, flat kernel, so that a value that none of the best has does not decide.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from harness.reporting.importance.encoding import Fields, ValueGrid

__all__ = ["best_share", "divergences"]

BEST, FEWEST_BEST = 0.1, 5
NARROWEST = 0.5 / 1.64  # of a kernel, in steps of the grid: nine tenths of it lie within one step

Array = NDArray[np.float64]


def best_share(configurations: int) -> float:
    """Return which share of the configurations counts as the best: a tenth, or five."""
    return max(FEWEST_BEST, int(np.ceil(BEST * configurations))) / configurations


def divergences(design: Fields, targets: Array, rows: NDArray[np.intp]) -> Array:
    """Return each field's divergence, 0 or more, where a target's greatest values over its `rows` are the best.

    The result is `[targets, fields]`.
    """
    return np.array([_divergences(design, target, own) for target, own in zip(targets, rows, strict=True)])


def _divergences(design: Fields, target: Array, rows: NDArray[np.intp]) -> Array:
    amount = round(best_share(len(rows)) * len(rows))
    best = rows[np.argsort(-target[rows], kind="stable")[:amount]]
    return np.array([_divergence(scale, scale.positions[best], scale.positions[rows]) for scale in design.scales])


def _divergence(scale: ValueGrid, best: NDArray[np.intp], everyone: NDArray[np.intp]) -> float:
    counts = (np.bincount(positions, minlength=scale.steps) for positions in (best, everyone))
    top, whole = (_estimate(tuple(seen.tolist()), ordered=scale.ordered) for seen in counts)
    return float(whole @ (top / whole - 1) ** 2)


@lru_cache(maxsize=4096)  # shuffled targets have the same configurations
def _estimate(counts: tuple[int, ...], *, ordered: bool) -> Array:
    return _density(np.array(counts)) if ordered else _shares(np.array(counts))


def _density(counts: NDArray[np.intp]) -> Array:
    """Return the kernel density on a grid of numbers, of which `counts` were seen at each place."""
    steps, seen, times = len(counts), np.flatnonzero(counts), counts[counts > 0]
    centers = np.append(seen, (steps - 1) / 2)
    widths = np.append(np.full(len(seen), _bandwidth(np.repeat(seen, times))), steps)
    edges = (np.arange(steps + 1)[:, None] - 0.5 - centers) / widths
    inside = np.diff(special.ndtr(edges), axis=0)
    weights = np.append(times, 1.0) / (times.sum() + 1.0)
    density: Array = (inside / inside.sum(axis=0)) @ weights
    return density


def _bandwidth(values: Array) -> float:
    """Return the width of a kernel, in steps, by the rule of Scott (1992)."""
    quarters: Array = np.quantile(values, [0.25, 0.75], method="inverted_cdf")
    spread = min(float(np.ptp(quarters)) / 1.34, float(values.std(ddof=1))) if len(values) > 1 else 0.0
    rule: float = 1.059 * spread * len(values) ** -0.2
    return max(rule, NARROWEST)


def _shares(counts: NDArray[np.intp]) -> Array:
    """Return the shares of unordered values, one more observation being spread over all of them."""
    shares: Array = (counts + 1 / len(counts)) / (counts.sum() + 1)
    return shares

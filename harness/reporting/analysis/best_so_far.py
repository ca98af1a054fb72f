"""How good the best of a search would have been after so many configurations, chosen on validation, judged on test."""

from math import comb

import numpy as np
from numpy.typing import NDArray

__all__ = ["best_so_far", "expected_best"]

Array = NDArray[np.float64]


def best_so_far(chosen_by: Array, judged_by: Array) -> Array:
    """Return `[N]`: after each of the configurations, `judged_by` of the one whose `chosen_by` was greatest by then.

    NaN stands for a configuration without a result, which is never chosen; before the first result there is NaN.
    """
    found = np.full(len(chosen_by), np.nan)
    best = -np.inf
    current = np.nan
    for place, (value, judged) in enumerate(zip(chosen_by, judged_by, strict=True)):
        if value > best:
            best, current = value, judged
        found[place] = current
    return found


def expected_best(chosen_by: Array, judged_by: Array) -> Array:
    """Return `[N]`: the mean of `best_so_far` over all orders of the configurations (arXiv 2004.13705).

    Of n configurations drawn without replacement, the one of rank r from below is the best with the probability
    C(r - 1, n - 1) / C(N, n). That is without bias, where drawing with replacement is not; but it takes configurations
    to be a fair sample, which an adaptive sampler's are not. Nothing may be missing.
    """
    amount = len(chosen_by)
    judged = judged_by[np.argsort(chosen_by, kind="stable")]
    found = np.empty(amount)
    for size in range(1, amount + 1):
        whole = comb(amount, size)
        found[size - 1] = sum(comb(rank, size - 1) / whole * judged[rank] for rank in range(size - 1, amount))
    return found

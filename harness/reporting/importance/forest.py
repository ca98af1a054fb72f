"""A random forest that is grown for hundreds of targets, one after the other, from the same draws.

scikit-learn's own forest draws seeds and bootstrap samples anew each time, the same each time for as many examples, and
copies, checks and schedules its trees, which takes most of the time where there are a few dozen examples.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.ensemble import RandomForestRegressor
from sklearn.tree import DecisionTreeRegressor

__all__ = ["forest_means"]

Array = NDArray[np.float64]


def forest_means(inputs: Array, target: Array, at: Array, *, trees: int, leaf: int) -> Array:
    """Return what `RandomForestRegressor(trees, min_samples_leaf=leaf, random_state=0)` predicts, to the bit.

    Args:
        inputs: `[N, F]`, to which it is fitted with `target`, `[N]`.
        at: `[M, F]`, where it is asked.

    Returns: `[M]`.
    """
    inputs, at = inputs.astype(np.float32), at.astype(np.float32)
    total = np.zeros(len(at))
    with config_context(skip_parameter_validation=True, assume_finite=True):
        for tree, times in _forest(len(target), trees, leaf):
            total += tree.fit(inputs, target, sample_weight=times, check_input=False).predict(at, check_input=False)
    return total / trees


@cache
def _forest(size: int, trees: int, leaf: int) -> tuple[tuple[DecisionTreeRegressor, Array], ...]:
    """Return the trees of a forest for `size` examples, and how often each example was drawn for each of them."""
    anything = np.zeros((size, 1))
    forest = RandomForestRegressor(trees, min_samples_leaf=leaf, random_state=0, n_jobs=1).fit(anything, anything[:, 0])
    drawn = (np.bincount(sample, minlength=size).astype(np.float64) for sample in forest.estimators_samples_)
    return tuple(zip(forest.estimators_, drawn, strict=True))

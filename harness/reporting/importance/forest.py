"""Random forests that are grown for hundreds of targets, one after the other, from the same draws.

scikit-learn's own forest draws seeds and bootstrap samples anew each time, the same each time for as many examples, and
copies, checks and schedules its trees, which takes most of the time where there are a few dozen examples.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.ensemble import RandomForestRegressor
from sklearn.tree import DecisionTreeRegressor

__all__ = ["forest_means"]

Array = NDArray[np.float64]


def forest_means(inputs: Array, targets: Array, at: Array, *, trees: int, leaf: int) -> Array:
    """Return what `RandomForestRegressor(trees, min_samples_leaf=leaf, random_state=0)` predicts, to the bit.

    Forest k is fitted to `inputs[k]` `[N, F]` and `targets[k]` `[N]`, and asked at `at` `[M, F]`; the result is
    `[K, M]`.
    """
    return np.array(
        [_means(own, target, at, trees=trees, leaf=leaf) for own, target in zip(inputs, targets, strict=True)]
    )


def _means(inputs: Array, target: Array, at: Array, *, trees: int, leaf: int) -> Array:
    inputs, at = inputs.astype(np.float32), at.astype(np.float32)
    total = np.zeros(len(at))
    with config_context(skip_parameter_validation=True, assume_finite=True):
        for tree in _forest(len(target), trees, leaf):
            total += tree.grown(inputs, target).predict(at, check_input=False)
    return total / trees


@dataclass(frozen=True)
class _Tree:
    """A tree that is grown again and again: its stream's first state, and how often each example was drawn for it."""

    tree: DecisionTreeRegressor
    state: dict[str, Any]
    times: Array

    def grown(self, inputs: NDArray[np.floating[Any]], target: Array) -> DecisionTreeRegressor:
        self.tree.random_state.set_state(self.state)  # to seed a new stream would take longer than to grow the tree
        return self.tree.fit(inputs, target, sample_weight=self.times, check_input=False)


@cache
def _forest(size: int, trees: int, leaf: int) -> tuple[_Tree, ...]:
    """Return the trees of a forest for `size` examples."""
    anything = np.zeros((size, 1))
    forest = RandomForestRegressor(trees, min_samples_leaf=leaf, random_state=0, n_jobs=1).fit(anything, anything[:, 0])
    drawn = [np.bincount(sample, minlength=size).astype(np.float64) for sample in forest.estimators_samples_]
    for tree in forest.estimators_:
        tree.set_params(random_state=np.random.RandomState(tree.random_state))
    return tuple(
        _Tree(tree, tree.random_state.get_state(legacy=False), times)
        for tree, times in zip(forest.estimators_, drawn, strict=True)
    )

"""Thousands of regression trees over a dozen examples, grown side by side.

scikit-learn grows one tree at a time and takes half a second to import, and hardly any of its time is growing where
there are so few examples. Here all trees take the same step at once: each operation is one on arrays of all of them.
They are its trees to the bit up to `MOST_EXAMPLES`, since its sort leaves so many equal values in their order.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from harness.reporting.importance.split_search import ROUNDING, Array, Places, SplitSearch, Stretch

__all__ = ["MOST_EXAMPLES", "small_forest_means"]

MOST_EXAMPLES = 15
LARGEST = 2**31 - 1  # seed


def small_forest_means(inputs: Array, targets: Array, at: Array, *, trees: int, leaf: int) -> Array:
    """Return what forests predict, one a target: `[K, M]`; see `forest.forest_means`."""
    times, state = _draws(targets.shape[1], trees)
    # Tree t of forest k is the one at k * trees + t.
    grown = _Trees(
        np.repeat(inputs.astype(np.float32), trees, axis=0),
        np.repeat(targets, trees, axis=0),
        np.tile(times, (len(targets), 1)),
        np.tile(state, len(targets)),
        leaf,
    )
    grown.grow()
    columns, total = np.ascontiguousarray(at.astype(np.float32).T), np.zeros((len(targets), len(at)))
    for tree in range(trees):
        total += grown.predicted(np.arange(tree, len(targets) * trees, trees), columns)
    return total / trees


@cache
def _draws(size: int, trees: int) -> tuple[Array, NDArray[np.uint32]]:
    """Return how often each example is in each tree's sample, `[trees, size]`, and the state of each tree's stream."""
    forest = np.random.RandomState(0)
    seeds = [forest.randint(LARGEST) for _ in range(trees)]
    samples = [np.random.RandomState(seed).randint(0, size, size, dtype=np.int32) for seed in seeds]
    times = [np.bincount(sample, minlength=size) for sample in samples]
    state = [np.random.RandomState(seed).randint(0, LARGEST) for seed in seeds]
    return np.array(times, dtype=np.float64), np.array(state, dtype=np.uint32)


class _Trees:
    """Trees that grow together; arrays are `[T, ...]`.

    A node comes after its parent, and after all that lies to the left of it. Each has a field and a threshold up to
    which examples go left, the number of the node to the right (to the left it is the next one), 0 for a leaf, and a
    mean.
    """

    def __init__(
        self, inputs: NDArray[np.float32], targets: Array, times: Array, state: NDArray[np.uint32], leaf: int
    ) -> None:
        count, size, fields = inputs.shape
        self.inputs, self.targets, self.times, self.state, self.leaf = inputs, targets, times, state, leaf
        self.examples = np.argsort(times == 0, axis=1, kind="stable")  # those of a node stand side by side
        self.fields = np.tile(np.arange(fields), (count, 1))
        self.constants = np.zeros((count, fields), dtype=np.intp)
        self.field, self.right = (np.zeros((count, 2 * size), dtype=np.intp) for _ in range(2))
        self.threshold, self.mean = (np.zeros((count, 2 * size)) for _ in range(2))
        self.made = np.zeros(count, dtype=np.intp)
        # Of nodes to come: where their examples start and end, constant fields, the parent of one on the right, or -1.
        self.waiting, self.waits = np.zeros((count, size + 1, 4), dtype=np.intp), np.ones(count, dtype=np.intp)
        self.waiting[:, 0, 1], self.waiting[:, 0, 3] = np.count_nonzero(times, axis=1), -1
        self.impurity = np.full((count, size + 1), np.nan)

    def predicted(self, trees: Places, columns: NDArray[np.float32]) -> Array:
        """Return what `trees` predict, `[trees, M]`, for `columns` `[F, M]`."""
        nodes = int(self.made[trees].max())
        found: Array = np.repeat(self.mean[trees, :nodes].T[:, :, None], columns.shape[1], axis=2)
        for node in range(nodes - 2, -1, -1):
            split = np.flatnonzero(self.right[trees, node])
            own = trees[split]
            left = columns[self.field[own, node]] <= self.threshold[own, node, None]
            found[node, split] = np.where(left, found[node + 1, split], found[self.right[own, node], split])
        root: Array = found[0]
        return root

    def grow(self) -> None:
        """Take the next node of every tree that has some waiting, and split it if that helps, until none waits."""
        while len(trees := np.flatnonzero(self.waits)):
            self.waits[trees] -= 1
            start, end, known, parent = self.waiting[trees, self.waits[trees]].T
            nodes = self._nodes(trees, start, end)
            weight, total, squares = (part[:, -1] for part in nodes.sums())
            mean, number = total / weight, self.made[trees]
            self.mean[trees, number] = mean
            self.made[trees] += 1
            of = np.flatnonzero(parent >= 0)
            self.right[trees[of], parent[of]] = number[of]
            impurity = np.where(number, self.impurity[trees, self.waits[trees]], squares / weight - mean * mean)
            large = np.flatnonzero((nodes.size >= max(2, 2 * self.leaf)) & (impurity > ROUNDING))
            if len(large):
                self._split(nodes.among(large), start[large], known[large], number[large], impurity[large])

    def _nodes(self, trees: Places, start: Places, end: Places) -> Stretch:
        places = start[:, None] + np.arange((end - start).max())
        examples = self.examples[trees[:, None], np.minimum(places, self.examples.shape[1] - 1)]
        return Stretch.of(trees, end - start, examples, self.times, self.targets)

    def _split(self, nodes: Stretch, start: Places, known: Places, number: Places, impurity: Array) -> None:
        """Split nodes, and have those below them wait: those on the left come first."""
        search = self._searched(nodes, known)
        divided = search.divided(self.inputs)
        helps, low, high = search.kept(divided, impurity, self.times.shape[1])
        split = np.flatnonzero(search.place)[helps]
        trees, start, number, place = nodes.trees[split], start[split], number[split], search.place[split]
        self.field[trees, number], self.threshold[trees, number] = search.field[split], search.threshold[split]
        divided = divided.among(np.flatnonzero(helps))
        row, at = np.nonzero(np.arange(divided.examples.shape[1]) < divided.size[:, None])
        self.examples[trees[row], start[row] + at] = divided.examples[row, at]
        middle, end, none = start + place, start + divided.size, np.full_like(number, -1)
        for begins, ends, parent, impure in ((middle, end, number, high[helps]), (start, middle, none, low[helps])):
            self.waiting[trees, self.waits[trees]] = np.stack([begins, ends, search.constant[split], parent], axis=1)
            self.impurity[trees, self.waits[trees]] = impure
            self.waits[trees] += 1

    def _searched(self, nodes: Stretch, known: Places) -> SplitSearch:
        """SplitSearch for splits; the order of draws, and which fields are constant, is kept for the nodes below."""
        search, trees = SplitSearch(nodes, known, self.leaf), nodes.trees
        fields, state, constants = self.fields[trees], self.state[trees], self.constants[trees]
        search.look(self.inputs, fields, state)
        place = np.arange(fields.shape[1])
        new = (place >= known[:, None]) & (place < search.constant[:, None])
        self.fields[trees] = np.where(place < known[:, None], constants, fields)
        self.constants[trees] = np.where(new, fields, constants)
        self.state[trees] = state
        return search

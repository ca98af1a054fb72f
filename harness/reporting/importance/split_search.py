"""The best split of one node in each of thousands of small regression trees, found in all of them at once.

Where two splits are as good but for rounding, which one is taken depends on the order of draws and sums; it is
scikit-learn's throughout.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ROUNDING", "Array", "Places", "SplitSearch", "Stretch"]

ALIKE = np.float32(1e-7)  # values of a field that differ by no more are one
ROUNDING = float(np.finfo(np.float64).eps)

Array = NDArray[np.float64]
Places = NDArray[np.intp]


@dataclass(frozen=True)
class Stretch:
    """The examples of nodes, one in each of some trees, and what they weigh in it; arrays are `[T]` or `[T, width]`.

    Attributes:
        examples: by number; beyond `size` is anything.
        times: how often an example is in the tree's sample; beyond `size` zero.
        targets: of the examples.
    """

    trees: Places
    size: Places
    examples: Places
    times: Array
    targets: Array

    @classmethod
    def of(cls, trees: Places, size: Places, examples: Places, times: Array, targets: Array) -> "Stretch":
        """Return the nodes with these examples, of `times` and `targets` of all examples of all trees."""
        inside = np.arange(examples.shape[1]) < size[:, None]
        rows = trees[:, None]
        return cls(trees, size, examples, np.where(inside, times[rows, examples], 0.0), targets[rows, examples])

    def among(self, chosen: Places) -> "Stretch":
        """Return the nodes of the chosen trees, no wider than they need."""
        trees, size = self.trees[chosen], self.size[chosen]
        wide = chosen, slice(size.max(initial=0))
        return Stretch(trees, size, self.examples[wide], self.times[wide], self.targets[wide])

    def put(self, chosen: Places, other: "Stretch") -> None:
        """Set the order in which `other` has the examples of the chosen trees."""
        for own, new in ((self.examples, other.examples), (self.times, other.times), (self.targets, other.targets)):
            own[chosen, : new.shape[1]] = new

    def by(self, order: Places) -> "Stretch":
        """Return the same in another order."""
        rows = np.arange(len(order))[:, None], order
        return Stretch(self.trees, self.size, self.examples[rows], self.times[rows], self.targets[rows])

    def sums(self) -> tuple[Array, Array, Array]:
        """Return sums of times, targets and squares over the first, the first two ... examples."""
        weighted = self.times * self.targets
        squares = weighted * self.targets
        return np.cumsum(self.times, axis=1), np.cumsum(weighted, axis=1), np.cumsum(squares, axis=1)

    def rest(self, total: Array) -> Array:
        """Return what is left of `total` without the last, the last two ... examples' targets, `[T, width]`."""
        backwards = (-self.times * self.targets)[:, ::-1]
        return np.cumsum(np.column_stack([total, backwards]), axis=1)[:, :0:-1]


class SplitSearch:
    """The search for the best split of nodes; arrays are `[T]`, of these nodes' trees alone.

    Attributes:
        nodes: their examples, in the order in which the last field left them.
        constant: how many fields are known to have one value.
        place: how many examples go left by the best split so far, 0 if there is none.
        field: by which that splits.
        threshold: up to which values go left.
    """

    def __init__(self, nodes: Stretch, known: Places, leaf: int) -> None:
        count = len(known)
        self.nodes, self.known, self.leaf = nodes, known, leaf
        self.constant = known.copy()
        self.place, self.field = np.zeros(count, dtype=np.intp), np.zeros(count, dtype=np.intp)
        self.threshold, self.merit = np.zeros(count), np.full(count, -np.inf)
        weight, total, squares = (part[:, -1] for part in nodes.sums())
        self.weight, self.total, self.squares = weight, total, squares

    def look(self, inputs: NDArray[np.float32], fields: Places, state: NDArray[np.uint32]) -> None:
        """Look at all fields in drawn order, which is left in `fields` `[T, F]`, as the streams are in `state`."""
        drawn, found = np.zeros_like(self.known), np.zeros_like(self.known)
        unseen = np.full_like(self.known, fields.shape[1])
        while len(seeing := np.flatnonzero(unseen > self.constant)):
            chosen = drawn[seeing] + _next(state, seeing) % (unseen - found - drawn)[seeing]
            known = chosen < self.known[seeing]
            trees = seeing[known]
            _swap(fields, trees, drawn[trees], chosen[known])
            drawn[trees] += 1
            trees, chosen = seeing[~known], chosen[~known] + found[seeing[~known]]
            if not len(trees):
                continue
            field = fields[trees, chosen]
            ordered, values = self._ordered(inputs, trees, field)
            flat = np.take_along_axis(values, ordered.size[:, None] - 1, axis=1)[:, 0] <= values[:, 0] + ALIKE
            same = trees[flat]
            _swap(fields, same, chosen[flat], self.constant[same])
            found[same] += 1
            self.constant[same] += 1
            other = np.flatnonzero(~flat)
            unseen[trees[other]] -= 1
            _swap(fields, trees[other], unseen[trees[other]], chosen[other])
            self._try(trees[other], ordered.among(other), values[other], field[other])

    def _ordered(
        self, inputs: NDArray[np.float32], trees: Places, field: Places
    ) -> tuple[Stretch, NDArray[np.float32]]:
        """Order the examples by a field; return them, with its values."""
        nodes = self.nodes.among(trees)
        values = inputs[nodes.trees[:, None], nodes.examples, field[:, None]]
        values[np.arange(values.shape[1]) >= nodes.size[:, None]] = np.inf
        order = np.argsort(values, axis=1, kind="stable")
        nodes = nodes.by(order)
        self.nodes.put(trees, nodes)
        return nodes, np.take_along_axis(values, order, axis=1)

    def _try(self, trees: Places, nodes: Stretch, values: NDArray[np.float32], field: Places) -> None:
        """Keep the best split by a field where it is better than those before."""
        if not len(trees):
            return
        values = values[:, : nodes.examples.shape[1]]
        places = np.arange(1, values.shape[1])
        apart = values[:, 1:] > values[:, :-1] + ALIKE
        allowed = apart & (places >= self.leaf) & (nodes.size[:, None] - places >= self.leaf)
        weight, total = self.weight[trees, None], self.total[trees]
        weights, sums = nodes.sums()[0][:, :-1], _left_sums(nodes, total, allowed)
        others = total[:, None] - sums
        with np.errstate(divide="ignore", invalid="ignore"):  # where nothing may be divided
            merit = np.where(allowed, sums * sums / weights + others * others / (weight - weights), -np.inf)
        best = merit.argmax(axis=1)
        rows = np.arange(len(trees))
        better = np.flatnonzero(merit[rows, best] > self.merit[trees])
        rows, best, trees = rows[better], best[better], trees[better]
        self.merit[trees], self.place[trees], self.field[trees] = merit[rows, best], best + 1, field[better]
        low, high = values[rows, best].astype(np.float64), values[rows, best + 1].astype(np.float64)
        self.threshold[trees] = low / 2.0 + high / 2.0

    def divided(self, inputs: NDArray[np.float32]) -> Stretch:
        """Return the nodes with the examples that go left first, of those trees that have a split."""
        split = np.flatnonzero(self.place)
        nodes = self.nodes.among(split)
        values = inputs[nodes.trees[:, None], nodes.examples, self.field[split, None]]
        right = values > self.threshold[split, None]
        order = np.tile(np.arange(values.shape[1]), (len(split), 1))
        first, last = np.zeros_like(split), nodes.size.copy()
        for _ in range(values.shape[1]):
            going = np.flatnonzero(first < last)
            away = right[going, order[going, first[going]]]
            first[going[~away]] += 1
            back = going[away]
            last[back] -= 1
            _swap(order, back, first[back], last[back])
        return nodes.by(order)

    def kept(self, divided: Stretch, impurity: Array, examples: int) -> tuple[NDArray[np.bool_], Array, Array]:
        """Return which of the splits lower the `impurity` of their nodes, and the impurities on the left and right."""
        split = np.flatnonzero(self.place)
        rows, place, whole, total = np.arange(len(split)), self.place[split], self.weight[split], self.total[split]
        weights, sums, squares = (part[rows, place - 1] for part in divided.sums())
        left = np.where(place <= divided.size - place, sums, divided.rest(total)[rows, place])
        others, right = whole - weights, total - left
        low = squares / weights - (left / weights) * (left / weights)
        high = (self.squares[split] - squares) / others - (right / others) * (right / others)
        gain = whole / examples * (impurity[split] - others / whole * high - weights / whole * low)
        return gain + ROUNDING >= 0, low, high


def _left_sums(nodes: Stretch, total: Array, allowed: NDArray[np.bool_]) -> Array:
    """Return the sum of targets left of each place, `[T, width - 1]`, where a split is allowed.

    It is added up from the place before, or, where that takes fewer steps, it is what the examples behind it leave.
    """
    weighted, rest = nodes.times * nodes.targets, nodes.rest(total)
    sums, run, before = np.empty(allowed.shape), np.zeros(len(total)), np.zeros(len(total), dtype=np.intp)
    for place in range(1, allowed.shape[1] + 1):
        run = run + weighted[:, place - 1]
        here = allowed[:, place - 1]
        back = here & (place - before > nodes.size - place)
        run = np.where(back, rest[:, place], run)
        before = np.where(here, place, before)
        sums[:, place - 1] = run
    return sums


def _next(state: NDArray[np.uint32], trees: Places) -> Places:
    """Return the next number of each stream (Marsaglia's xorshift), from 0 to 2^31 - 1."""
    seed = np.where(state[trees] == 0, np.uint32(1), state[trees])
    seed ^= seed << np.uint32(13)
    seed ^= seed >> np.uint32(17)
    seed ^= seed << np.uint32(5)
    state[trees] = seed
    return (seed & np.uint32(2**31 - 1)).astype(np.intp)


def _swap(values: Places, rows: Places, one: Places, other: Places) -> None:
    values[rows, one], values[rows, other] = values[rows, other], values[rows, one]

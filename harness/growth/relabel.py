"""What follows the columns of an output when it grows: class weights, class names, labels, predictions."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from harness.core.errors import SpecError
from harness.growth.record import Columns

__all__ = ["as_old_columns", "follow", "grown_labels", "grown_weights"]

T = TypeVar("T")


def follow(values: Sequence[T], columns: Columns, new: T) -> tuple[T, ...]:
    """Return one value a column: that of the old column it comes from, or `new`.

    >>> follow(["cat", "car"], (0, 1, 1, None), new="?")
    ('cat', 'car', 'car', '?')
    """
    _check(len(values), columns)
    return tuple(new if old is None else values[old] for old in columns)


def grown_weights(weights: Tensor, columns: Columns, new: float = 1.0) -> Tensor:
    """Return class weights `[C']` from `weights` `[C]`, as for `nn.CrossEntropyLoss(weight=...)`.

    Children of a split class have their parent's weight, new classes `new`.
    """
    _check(len(weights), columns)
    grown = weights.new_full((len(columns),), new)
    kept = [index for index, old in enumerate(columns) if old is not None]
    grown[kept] = weights[[old for old in columns if old is not None]]
    return grown


def grown_labels(labels: Sequence[int], columns: Columns, new: Iterable[int]) -> tuple[int, ...]:
    """Return the class of each column, as for a `LabelMap`; `labels` has those of the old columns.

    The first column that comes from an old one keeps its class. All others take the next class of `new`: new columns,
    and the further children of a class that was split.

    >>> grown_labels([7, 8], (0, 1, 1, None), new=[20, 30])
    (7, 8, 20, 30)

    Raises:
        SpecError: there are more or fewer new classes than columns for them, or a class comes twice.
    """
    _check(len(labels), columns)
    firsts = {old: index for index, old in reversed(list(enumerate(columns))) if old is not None}
    given, waiting = list(new), len(columns) - len(firsts)
    if len(given) != waiting:
        raise SpecError(f"expected a class for each of {waiting} columns without one, found {given}")
    rest = iter(given)
    grown = tuple(
        labels[old] if old is not None and firsts[old] == index else next(rest) for index, old in enumerate(columns)
    )
    if len(set(grown)) != len(grown):
        raise SpecError(f"expected each class in one column, found {list(grown)}")
    return grown


def as_old_columns(predicted: Tensor, columns: Columns) -> Tensor:
    """Return for each predicted column the old one it comes from, or -1: for metrics in terms of the old classes.

    A child of a split class counts as its parent.
    """
    table = torch.tensor([-1 if old is None else old for old in columns], device=predicted.device)
    return table[predicted]


def _check(size: int, columns: Columns) -> None:
    highest = max((old for old in columns if old is not None), default=-1)
    if highest >= size:
        raise SpecError(f"expected a value for each of the old columns 0 to {highest}, found {size} values")

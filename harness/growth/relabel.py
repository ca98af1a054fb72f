"""Class weights, class names, labels and predictions follow the columns of an output that grows."""

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor

from harness.core.errors import SpecError
from harness.core.label_map import Column, labels_of
from harness.growth.record import Columns

__all__ = ["as_old_columns", "follow", "grown_classes", "grown_labels", "grown_weights"]

T = TypeVar("T")


def follow(values: Sequence[T], columns: Columns, new: T) -> tuple[T, ...]:
    """Return one value for each column: that of the old column that it comes from, or `new`.

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


def grown_labels(labels: Sequence[int], columns: Columns, new: Sequence[int]) -> tuple[int, ...]:
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


def grown_classes(classes: Sequence[Column], columns: Columns, new: Sequence[int]) -> tuple[Column, ...]:
    """Return the class or classes of each column, where an old column may have several classes.

    A column that is split into as many children as it has classes gives one class to each. Any other column gives all
    of them to its first child, as in `grown_labels`.

    >>> grown_classes([7, (8, 9)], (0, 1, 1, None), new=[20])
    (7, 8, 9, 20)

    Raises:
        SpecError: there are more or fewer new classes than columns for them, or a class comes twice; or a column of
            several classes is split into another number of children.
    """
    _check(len(classes), columns)
    children = Counter(columns)
    own = {old: list(labels_of(column)) for old, column in enumerate(classes)}
    for parent, labels in own.items():
        if children[parent] > 1 and len(labels) not in (1, children[parent]):
            count = children[parent]
            raise SpecError(f"expected {len(labels)} children of column {parent}, one a class, found {count}")
    fresh, grown = list(new), list[Column | None]()
    for old in columns:
        if old is not None and children[old] == 1:
            grown.append(classes[old])
        else:
            source = fresh if old is None or not own[old] else own[old]
            grown.append(source.pop(0) if source else None)
    named = tuple(column for column in grown if column is not None)
    every = [label for column in named for label in labels_of(column)]
    if fresh or len(named) < len(grown) or len(set(every)) < len(every):
        raise SpecError(
            f"expected a class for each of {len(columns)} columns, {len(classes)} of them old, found {list(new)} as "
            "new ones; see reveals of the growth"
        )
    return named


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

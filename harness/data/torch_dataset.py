"""Any torch data set, held in memory."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from harness.core.errors import DataError
from harness.data._base import Split
from harness.data.normalize import Normalize
from harness.data.sources import InMemory

__all__ = ["split_of"]


def split_of(dataset: Dataset[Any], *, normalize: Normalize | None = None) -> Split:
    """Return the examples of `dataset` in memory, each item read once, in order.

    An item is `(input, label)` or `(input, label, targets)`, the targets by name. Random transforms of the data set are
    applied once, when an item is read: leave them out, and use `TrainingConfig.augment` instead, or read items whenever
    they are needed, from `harness.data.sources.DatasetItems`.

    Args:
        dataset: of torch.
        normalize: computed from inputs on the device; with it they keep their type, such as the bytes of images.
            Without it they become float32.

    Raises:
        DataError: an item has another form, or another shape than the first one.
    """
    inputs, labels, targets = _Rows(len(dataset) if hasattr(dataset, "__len__") else None), [], []
    for number, item in enumerate(_items(dataset)):
        if not isinstance(item, tuple | list) or len(item) not in (2, 3):
            raise DataError(f"expected (input, label) or (input, label, targets) as item {number}, found {item!r:.80}")
        stored = _tensor(item[0], "input", number)
        inputs.add(stored.float() if normalize is None else stored, number)
        labels.append(_label(item[1], number))
        named = item[2] if len(item) == 3 else {}
        if not isinstance(named, Mapping):
            raise DataError(f"expected targets by name in item {number}, found {named!r:.80}")
        targets.append({name: _tensor(value, name, number) for name, value in named.items()})
    if not labels:
        raise DataError("expected a data set with items, found none")
    stacked = {
        name: _target(_stack([_of(each, name, n) for n, each in enumerate(targets)], name)) for name in targets[0]
    }
    rows = inputs.joined()
    return Split(rows if normalize is None else InMemory(rows, normalize), torch.tensor(labels), stacked)


class _Rows:
    """Inputs of examples, written into one tensor as they come, so that there is no second copy.

    Args:
        count: of examples; None if it is not known before the last has come.
    """

    def __init__(self, count: int | None) -> None:
        self._count, self._tensor, self._kept = count, torch.empty(0), list[Tensor]()

    def add(self, row: Tensor, number: int) -> None:
        """Add the inputs of the example `number`. Raises `DataError` if their shape is not that of the first."""
        if number == 0 and self._count is not None:
            self._tensor = row.new_empty((self._count, *row.shape))
        first = self._tensor[0] if self._count is not None else (self._kept or [row])[0]
        _check_shape(row, first, "input", number)
        if self._count is None:
            self._kept.append(row)
        else:
            self._tensor[number] = row

    def joined(self) -> Tensor:
        """Return the inputs `[N, ...]` of all examples."""
        return self._tensor if self._count is not None else torch.stack(self._kept)


def _items(dataset: Dataset[Any]) -> Iterator[Any]:
    if not hasattr(dataset, "__len__"):  # an iterable data set
        yield from iter(dataset)
    else:
        for index in range(len(dataset)):
            yield dataset[index]


def _tensor(value: Any, name: str, number: int) -> Tensor:
    try:
        return torch.as_tensor(_of_this_machine(value) if isinstance(value, np.ndarray) else value)
    except (TypeError, ValueError, RuntimeError):
        found = type(value).__name__
        raise DataError(
            f"expected numbers as {name!r} of item {number}, found {found}; let the data set transform it to a tensor"
        ) from None


def _of_this_machine(array: np.ndarray) -> np.ndarray:
    """Return an array as torch can hold it: torch knows neither other byte orders nor steps backwards, as in a mirror.

    One that cannot be written to is copied as well, since torch would warn.
    """
    ordered = array.astype(array.dtype.newbyteorder("="), copy=not array.flags.writeable)
    return ordered.copy() if any(step < 0 for step in ordered.strides) else ordered


def _label(value: Any, number: int) -> int:
    label = _tensor(value, "label", number)
    if label.is_floating_point() or label.numel() != 1 or label.item() < 0:
        raise DataError(f"expected a class 0, 1, 2, ... as the label of item {number}, found {value!r:.80}")
    return int(label.item())


def _of(targets: Mapping[str, Tensor], name: str, number: int) -> Tensor:
    if name not in targets:
        raise DataError(f"expected the target {name!r} in every item, found none in item {number}")
    return targets[name]


def _stack(values: list[Tensor], name: str) -> Tensor:
    for number, value in enumerate(values):
        _check_shape(value, values[0], name, number)
    return torch.stack(values)


def _check_shape(value: Tensor, first: Tensor, name: str, number: int) -> None:
    if value.shape != first.shape:
        shapes = f"{tuple(value.shape)} as {name!r} of item {number}"
        raise DataError(f"expected the shape {tuple(first.shape)} of the first item, found {shapes}")


def _target(values: Tensor) -> Tensor:
    """Return classes `[N]` as int64, and values as float32 `[N, D]`."""
    if not values.is_floating_point() and values.dim() == 1:
        return values.long()
    return values.float().reshape(len(values), -1)

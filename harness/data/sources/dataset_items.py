"""Any torch data set that can be indexed."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from harness.core.errors import DataError
from harness.data.sources._items import AbstractItems

__all__ = ["DatasetItems"]

LABELS = ("labels", "targets")  # as data sets of torchvision and others call them


class DatasetItems(AbstractItems):
    """The inputs of a map-style data set: the first entry of each item `(input, label, ...)`, or the item itself.

    Transforms in the data set may draw from the global generators of torch, numpy or Python: they are seeded for each
    example from (seed, step, index). They must draw from no generator of their own.

    Args:
        dataset: with `__len__` and `__getitem__`.
        draws: whether items are random; unless it is known that they are not, they may be, and then features of a
            frozen part of a network are computed anew at every step.
        settings: `collate`, `normalize`, `workers` and `digest`, as in `AbstractItems`.

    Raises:
        DataError: the data set cannot be indexed, or an item differs if it is read again.
    """

    def __init__(self, dataset: Dataset[Any], *, draws: bool = True, **settings: Any) -> None:
        if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
            raise DataError(
                f"expected a data set with __len__ and __getitem__, found {type(dataset).__name__}; any order of "
                "examples must be possible, so one that can only be iterated is to be held in memory: split_of(dataset)"
            )
        super().__init__(draws=draws, **settings)
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)

    def item(self, index: int) -> Any:
        """Return the inputs of an item."""
        return _inputs(self._dataset[index])

    def items(self, indices: Sequence[int]) -> list[Any]:
        """Return those of several items; a data set that can read several at once does so."""
        many = getattr(self._dataset, "__getitems__", None)
        return super().items(indices) if many is None else [_inputs(item) for item in many(list(indices))]

    def labels(self) -> Tensor:
        """Return the classes `[N]` of all items: an attribute `labels` or `targets` of the data set, or each item's.

        Raises:
            DataError: they are no classes.
        """
        known = next((getattr(self._dataset, name) for name in LABELS if hasattr(self._dataset, name)), None)
        if known is None:
            known = [_label(self._dataset[index], index) for index in range(len(self))]
        labels = torch.as_tensor(known)
        if labels.is_floating_point() or labels.shape != (len(self),):
            raise DataError(
                f"expected a class for each of {len(self)} items, found {labels.dtype} {list(labels.shape)}"
            )
        return labels.long()


def _inputs(item: Any) -> Any:
    return item[0] if isinstance(item, tuple | list) and not hasattr(item, "_fields") else item


def _label(item: Any, index: int) -> int:
    if not isinstance(item, tuple | list) or len(item) < 2:
        raise DataError(f"expected (input, label) as item {index}, found {item!r:.80}; give the labels themselves")
    return int(item[1])

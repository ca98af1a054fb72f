"""From the inputs of single examples to those of a batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harness.core.errors import DataError
from harness.core.inputs import Inputs

__all__ = ["Padded", "as_tensor", "stacked"]

MASK = "attention_mask"


def stacked(items: Sequence[Any]) -> Inputs:
    """Return the inputs `[B, ...]` of examples whose tensors have one shape, each a tensor or tensors by name.

    Raises:
        DataError: they have different shapes, or names.
    """
    if not isinstance(items[0], Mapping):
        return _stack([as_tensor(item, "inputs") for item in items], "inputs")
    return {name: _stack([as_tensor(_entry(item, name), name) for item in items], name) for name in items[0]}


@dataclass(frozen=True)
class Padded:
    """Return the inputs `[B, T]` of sequences of different lengths, padded at the end.

    Attributes:
        length: T; longer sequences are cut. None: that of the longest sequence in a batch.
        values: by the name of an argument, what stands at other positions; 0 unless given.
        mask: the name of the argument that is 1 at real positions; it is added if items have none. None adds none.
    """

    length: int | None = None
    values: Mapping[str, float] = field(default_factory=dict)
    mask: str | None = MASK

    @property
    def is_fixed(self) -> bool:
        """Whether an example becomes the same in every batch."""
        return self.length is not None

    def __call__(self, items: Sequence[Mapping[str, Any]]) -> Inputs:
        """Return padded tensors by name. Raises `DataError` if items are no sequences by name."""
        if not isinstance(items[0], Mapping):
            raise DataError(f"expected inputs by name to be padded, found {type(items[0]).__name__}; see Padded")
        rows = {name: [as_tensor(_entry(item, name), name) for item in items] for name in items[0]}
        first = next(iter(rows.values()))
        if self.mask is not None and self.mask not in rows:
            rows[self.mask] = [torch.ones(len(row), dtype=torch.int64) for row in first]
        return {name: self._pad(sequences, self.values.get(name, 0)) for name, sequences in rows.items()}

    def _pad(self, rows: list[Tensor], value: float) -> Tensor:
        length = max(len(row) for row in rows) if self.length is None else self.length
        padded = rows[0].new_full((len(rows), length, *rows[0].shape[1:]), value)
        for into, row in zip(padded, rows, strict=True):
            into[: len(row)] = row[:length]
        return padded


def as_tensor(value: Any, name: str) -> Tensor:
    """Return numbers of any library as a tensor. Raises `DataError` if they are none."""
    try:
        return torch.as_tensor(_of_this_machine(value) if isinstance(value, np.ndarray) else value)
    except (TypeError, ValueError, RuntimeError):
        raise DataError(
            f"expected numbers as {name!r} of an example, found {type(value).__name__}; let the data set transform it "
            "to a tensor"
        ) from None


def _of_this_machine(array: np.ndarray) -> np.ndarray:
    """Return an array as torch can hold it: torch knows neither other byte orders nor steps backwards, as in a mirror.

    One that cannot be written to is copied as well, since torch would warn.
    """
    ordered = array.astype(array.dtype.newbyteorder("="), copy=not array.flags.writeable)
    return ordered.copy() if any(step < 0 for step in ordered.strides) else ordered


def _entry(item: Mapping[str, Any], name: str) -> Any:
    if name not in item:
        raise DataError(f"expected {name!r} in every example of a batch, found one with {', '.join(map(str, item))}")
    return item[name]


def _stack(values: list[Tensor], name: str) -> Tensor:
    for value in values:
        if value.shape != values[0].shape:
            raise DataError(
                f"expected {name!r} of one shape in all examples of a batch, found {tuple(values[0].shape)} and "
                f"{tuple(value.shape)}; give collate, such as Padded() for sequences"
            )
    return torch.stack(values)

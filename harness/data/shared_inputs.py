"""Inputs of tasks that differ in their classes alone: each tensor is in memory once."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from harness.core.inputs import map_inputs
from harness.data._base import SPLITS, Split, TaskData

__all__ = ["SharedInputs"]


class SharedInputs:
    """The tensors of inputs that were loaded, so that a study may search over what a task's classes are."""

    def __init__(self) -> None:
        self._known: list[Tensor] = []

    def of(self, data: TaskData) -> TaskData:
        """Return `data`, whose inputs are the tensors of earlier data where they hold the same bits."""
        shared: dict[str, Any] = {name: self._of_split(getattr(data, name)) for name in SPLITS}
        return replace(data, **shared)

    def _of_split(self, split: Split) -> Split:
        if split.source is not None:
            return split
        return replace(split, inputs=map_inputs(self._only, split.inputs))

    def _only(self, tensor: Tensor) -> Tensor:
        """Return the first tensor with these bits."""
        for known in self._known:
            if _is_same(known, tensor):
                return known
        self._known.append(tensor)
        return tensor


def _is_same(one: Tensor, other: Tensor) -> bool:
    alike = (one.shape, one.dtype, one.device) == (other.shape, other.dtype, other.device)
    plain = one.dim() > 0 and one.is_contiguous() and other.is_contiguous()
    return alike and plain and torch.equal(one.view(torch.uint8), other.view(torch.uint8))  # 0.0 is not -0.0

"""Dropout of several networks at once, each with its own stream."""

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["dropped"]


def dropped(values: Tensor, portion: float, streams: Sequence[torch.Generator]) -> Tensor:
    """Return what `torch.nn.functional.dropout` of each network's values `[K, ...]` is on a CPU."""
    mask = torch.empty_like(values)
    for row, stream in zip(mask.unbind(), streams, strict=True):
        row.bernoulli_(1 - portion, generator=stream)
    return values * mask.div_(1 - portion)

"""Parameters of several networks in one tensor, of which each network's own parameter is a view."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["ALIGNED_VALUES", "SharedParameter", "aligned", "share"]

ALIGNED_VALUES = 16  # 64 bytes, at which torch begins every tensor: kernels may round otherwise elsewhere


@dataclass(frozen=True, eq=False)
class SharedParameter:
    """The same parameter, or buffer, of networks that follow each other in a pack.

    Attributes:
        values: `[N, ...]`, a leaf that gets the gradients of all.
        parameters: the networks' own, each a view of its row.
        start: the place of the first network in the pack.
    """

    values: Tensor
    parameters: tuple[Tensor, ...]
    start: int


def share(parameters: Sequence[Tensor], start: int = 0) -> SharedParameter:
    """Move parameters, or buffers, of one shape into one tensor; their values and their identity stay."""
    first = parameters[0]
    values = aligned(first.detach(), len(parameters), first.shape)
    for row, parameter in zip(values.unbind(), parameters, strict=True):
        row.copy_(parameter.detach())
        parameter.data = row
    return SharedParameter(values.requires_grad_(first.requires_grad), tuple(parameters), start)


def aligned(like: Tensor, count: int, shape: Sequence[int]) -> Tensor:
    """Return a tensor `[count, *shape]`, not initialized, each row of which begins where a tensor could."""
    stride = math.ceil(math.prod(shape) / ALIGNED_VALUES) * ALIGNED_VALUES
    strides = (stride, *torch.empty(tuple(shape), device="meta").stride())
    return like.new_empty(count, stride).as_strided((count, *shape), strides)

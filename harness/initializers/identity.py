"""Weights that pass their input unchanged."""

from typing import ClassVar, Literal

import torch
from pydantic import PositiveInt
from torch import Tensor

from harness.core.errors import SpecError
from harness.initializers._base import AbstractInitializer, LayerContext, as_weight, blank

__all__ = ["Identity"]


class Identity(AbstractInitializer):
    """Row r has a 1 at input r, in the middle of the kernel if it has one, and 0 elsewhere (arXiv 1511.05641).

    A convolution then returns its input if its kernel is odd and its padding half of the kernel. Rows beyond the number
    of inputs are zero. With `groups`, this holds within each group of a convolution.
    """

    kind: Literal["identity"] = "identity"
    reads_examples: ClassVar[bool] = False
    groups: PositiveInt = 1

    def values(self, shape: tuple[int, ...], context: LayerContext, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Return float32 values of `shape`, which is a weight's."""
        rows, _ = as_weight(shape, self.kind)
        if rows % self.groups or any(side % 2 == 0 for side in shape[2:]):
            raise SpecError(
                f"expected rows in {self.groups} equal groups and an odd kernel for {self.kind!r}, found the shape "
                f"{list(shape)}; change the layer or choose another initializer"
            )
        values = blank(shape).zero_().reshape(rows, shape[1], -1)
        diagonal = torch.arange(min(rows // self.groups, shape[1]))
        for first in range(0, rows, rows // self.groups):
            values[first + diagonal, diagonal, values.shape[2] // 2] = 1.0
        return values.reshape(shape)

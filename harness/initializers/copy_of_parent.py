"""Copies of a row that the layer already has."""

from typing import ClassVar, Literal

import torch
from pydantic import NonNegativeFloat, NonNegativeInt
from torch import Tensor

from harness.core.errors import SpecError
from harness.initializers._base import AbstractInitializer, LayerContext, blank, old_rows_of

__all__ = ["CopyOfParent"]


class CopyOfParent(AbstractInitializer):
    """Every new row is the row `parent` plus normal noise, `noise` times the standard deviation of that row's values.

    As in Net2WiderNet (arXiv 1511.05641), where noise makes copies differ: equal rows with equal gradients stay equal.
    A bias is a row of one value, whose standard deviation is zero: it is copied without noise.
    """

    kind: Literal["copy_of_parent"] = "copy_of_parent"
    reads_examples: ClassVar[bool] = False
    parent: NonNegativeInt
    noise: NonNegativeFloat = 0.0

    def values(self, shape: tuple[int, ...], context: LayerContext, generator: torch.Generator) -> Tensor:
        """Return float32 values of `shape`."""
        old = old_rows_of(context, shape, self.kind)
        if self.parent >= len(old):
            raise SpecError(f"expected a parent below {len(old)}, the rows there are; found {self.parent}")
        parent = old[self.parent]
        std = parent.std(correction=0)
        return parent + self.noise * std * blank(shape).normal_(generator=generator)

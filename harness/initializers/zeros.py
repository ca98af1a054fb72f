"""Zeros: the new values have no effect at first."""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from harness.initializers._base import AbstractInitializer, LayerContext, blank

__all__ = ["Zeros"]


class Zeros(AbstractInitializer):
    """All zero. Not for both sides of a hidden unit: they would have no gradient and stay zero."""

    kind: Literal["zeros"] = "zeros"
    reads_examples: ClassVar[bool] = False

    def values(self, shape: tuple[int, ...], context: LayerContext, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Return float32 values of `shape`."""
        return blank(shape).zero_()

    @property
    def silences(self) -> bool:
        """Return True."""
        return True

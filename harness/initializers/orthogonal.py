"""Orthogonal rows or columns."""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from harness.initializers._base import AbstractInitializer, LayerContext, as_weight, blank

__all__ = ["Orthogonal"]


class Orthogonal(AbstractInitializer):
    """The rows (or columns, if fewer) are orthonormal (arXiv 1312.6120)."""

    kind: Literal["orthogonal"] = "orthogonal"
    reads_examples: ClassVar[bool] = False

    def values(self, shape: tuple[int, ...], context: LayerContext, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Return float32 values of `shape`, which is a weight's."""
        as_weight(shape, self.kind)
        return torch.nn.init.orthogonal_(blank(shape), generator=generator)

"""Normal values without tails."""

from typing import ClassVar, Literal

import torch
from pydantic import PositiveFloat
from torch import Tensor

from harness.initializers._base import AbstractInitializer, LayerContext, blank

__all__ = ["TruncatedNormal"]


class TruncatedNormal(AbstractInitializer):
    """Normal with standard deviation `std`, cut off at two standard deviations."""

    kind: Literal["truncated_normal"] = "truncated_normal"
    reads_examples: ClassVar[bool] = False
    std: PositiveFloat = 0.02

    def values(self, shape: tuple[int, ...], context: LayerContext, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Return float32 values of `shape`."""
        bound = 2 * self.std
        return torch.nn.init.trunc_normal_(blank(shape), 0.0, self.std, -bound, bound, generator=generator)

"""What torch itself gives a new linear or convolutional layer."""

import math
from typing import Literal

import torch
from torch import Tensor

from harness.initializers._base import AbstractInitializer, Place, blank

__all__ = ["TorchDefault"]


class TorchDefault(AbstractInitializer):
    """Uniform in `±1 / sqrt(fan_in)`, weight and bias alike, as `nn.Linear` and `nn.Conv2d` begin."""

    kind: Literal["torch_default"] = "torch_default"

    def values(self, shape: tuple[int, ...], place: Place, generator: torch.Generator) -> Tensor:
        """Return float32 values of `shape`."""
        bound = 1 / math.sqrt(place.fan_in)
        return blank(shape).uniform_(-bound, bound, generator=generator)

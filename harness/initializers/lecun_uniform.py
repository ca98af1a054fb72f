"""LeCun's uniform values."""

import math
from typing import Literal

import torch
from torch import Tensor

from harness.initializers._base import AbstractInitializer, Place, blank

__all__ = ["LeCunUniform"]


class LeCunUniform(AbstractInitializer):
    """Uniform in `±sqrt(3 / fan_in)`, of variance `1 / fan_in` (LeCun et al., Efficient BackProp, 1998)."""

    kind: Literal["lecun_uniform"] = "lecun_uniform"

    def values(self, shape: tuple[int, ...], place: Place, generator: torch.Generator) -> Tensor:
        """Return float32 values of `shape`."""
        bound = math.sqrt(3 / place.fan_in)
        return blank(shape).uniform_(-bound, bound, generator=generator)

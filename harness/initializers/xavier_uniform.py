"""Xavier's uniform values."""

import math
from typing import Literal

import torch
from torch import Tensor

from harness.initializers._base import AbstractInitializer, Place, blank

__all__ = ["XavierUniform"]


class XavierUniform(AbstractInitializer):
    """Uniform in `±sqrt(6 / (fan_in + fan_out))` (Glorot and Bengio, AISTATS 2010, equation 16)."""

    kind: Literal["xavier_uniform"] = "xavier_uniform"

    def values(self, shape: tuple[int, ...], place: Place, generator: torch.Generator) -> Tensor:
        """Return float32 values of `shape`."""
        bound = math.sqrt(6 / (place.fan_in + place.fan_out))
        return blank(shape).uniform_(-bound, bound, generator=generator)

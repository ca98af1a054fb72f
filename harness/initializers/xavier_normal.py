"""Xavier's normal values."""

import math
from typing import Literal

import torch
from torch import Tensor

from harness.initializers._base import AbstractInitializer, Place, blank

__all__ = ["XavierNormal"]


class XavierNormal(AbstractInitializer):
    """Normal with variance `2 / (fan_in + fan_out)` (Glorot and Bengio, AISTATS 2010, equation 12)."""

    kind: Literal["xavier_normal"] = "xavier_normal"

    def values(self, shape: tuple[int, ...], place: Place, generator: torch.Generator) -> Tensor:
        """Return float32 values of `shape`."""
        std = math.sqrt(2 / (place.fan_in + place.fan_out))
        return blank(shape).normal_(0, std, generator=generator)

"""Kaiming's normal values."""

import math
from typing import Literal

import torch
from torch import Tensor

from harness.initializers._base import AbstractInitializer, Place, blank

__all__ = ["KaimingNormal"]


class KaimingNormal(AbstractInitializer):
    """Normal with variance `2 / fan_in`, for a ReLU (arXiv 1502.01852, equation 10)."""

    kind: Literal["kaiming_normal"] = "kaiming_normal"

    def values(self, shape: tuple[int, ...], place: Place, generator: torch.Generator) -> Tensor:
        """Return float32 values of `shape`."""
        std = math.sqrt(2 / place.fan_in)
        return blank(shape).normal_(0, std, generator=generator)

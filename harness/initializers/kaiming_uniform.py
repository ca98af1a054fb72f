"""Kaiming's uniform values."""

import math
from typing import Literal

import torch
from torch import Tensor

from harness.initializers._base import AbstractInitializer, Place, blank

__all__ = ["KaimingUniform"]


class KaimingUniform(AbstractInitializer):
    """Uniform in `±sqrt(6 / fan_in)`, for a ReLU (arXiv 1502.01852, equation 10)."""

    kind: Literal["kaiming_uniform"] = "kaiming_uniform"

    def values(self, shape: tuple[int, ...], place: Place, generator: torch.Generator) -> Tensor:
        """Return float32 values of `shape`."""
        bound = math.sqrt(6 / place.fan_in)
        return blank(shape).uniform_(-bound, bound, generator=generator)

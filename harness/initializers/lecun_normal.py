"""LeCun's normal values."""

import math
from typing import Literal

import torch
from torch import Tensor

from harness.initializers._base import AbstractInitializer, Place, blank

__all__ = ["LeCunNormal"]


class LeCunNormal(AbstractInitializer):
    """Normal with variance `1 / fan_in` (LeCun et al., Efficient BackProp, 1998); for SELU, arXiv 1706.02515."""

    kind: Literal["lecun_normal"] = "lecun_normal"

    def values(self, shape: tuple[int, ...], place: Place, generator: torch.Generator) -> Tensor:
        """Return float32 values of `shape`."""
        std = math.sqrt(1 / place.fan_in)
        return blank(shape).normal_(0, std, generator=generator)

"""What an initializer is."""

from abc import abstractmethod

import torch
from torch import Tensor

from harness.core.spec import LeafSpec

__all__ = ["AbstractInitializer"]


class AbstractInitializer(LeafSpec):
    """Values for a weight that did not exist a moment ago."""

    @abstractmethod
    def values(self, shape: tuple[int, ...], fan_in: int, fan_out: int, generator: torch.Generator) -> Tensor:
        """Return float32 values of `shape` `[out, in, ...]` on the CPU, drawn from `generator` alone.

        `fan_in` and `fan_out` are those of the whole layer that the values join, not of a slice.
        """

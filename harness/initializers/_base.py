"""What an initializer is."""

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from harness.core.spec import LeafSpec

__all__ = ["AbstractInitializer", "Place"]


@dataclass(frozen=True)
class Place:
    """The layer that new values join, as a whole and not only the slice that is new. Tensors are float32 on the CPU.

    Attributes:
        fan_in: numbers that one output of the layer is computed from.
        fan_out: numbers that one input of the layer goes into.
        old: weights `[rows, in, ...]` (or biases `[rows]`) that the layer has already; None for a new layer.
        features: `[B, in]`, what comes into the layer for the examples of a probe; None if there is no probe.
        targets: `[B]` int64, the new row that is right for each example, or -1; None if it is not known.
    """

    fan_in: int
    fan_out: int
    old: Tensor | None = None
    features: Tensor | None = None
    targets: Tensor | None = None


class AbstractInitializer(LeafSpec):
    """Values for a weight or bias that did not exist a moment ago."""

    @abstractmethod
    def values(self, shape: tuple[int, ...], place: Place, generator: torch.Generator) -> Tensor:
        """Return float32 values of `shape` `[rows, in, ...]` (or `[rows]`) on the CPU, drawn from `generator` alone.

        Raises:
            SpecError: `place` lacks what these values are computed from; the message says what to give.
        """

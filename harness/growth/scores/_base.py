"""What a score of units is."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from harness.core.spec import LeafSpec

__all__ = ["AbstractScore", "Seen"]


@dataclass(frozen=True)
class Seen:
    """What a score may look at: U units of a layer.

    Attributes:
        incoming: for each layer that writes to the units `[U, M]`, float64 on the CPU: the weights of each unit.
        values: returns, for each call of a layer that reads the units, `[B, ..., U, K]`: what it read of each unit.
        slopes: called with the name of an output or None, returns the same with the gradient of the loss behind it.
    """

    incoming: tuple[Tensor, ...]
    values: Callable[[], list[Tensor]]
    slopes: Callable[[str | None], list[tuple[Tensor, Tensor]]]


class AbstractScore(LeafSpec):
    """A number for each unit: those with the lowest leave first."""

    @abstractmethod
    def scores(self, seen: Seen, generator: torch.Generator) -> Tensor:
        """Return the scores `[U]`, float64 on the CPU.

        Raises:
            SpecError: the probe lacks what the scores are computed from.
        """

    @property
    def reads_loss(self) -> bool:
        """Whether scores follow from the loss of the probe; not by default."""
        return False

"""A memory in which every example seen so far is equally likely."""

from typing import Literal

import torch
from pydantic import NonNegativeInt
from torch import Tensor

from harness.training.memory._base import AbstractMemory, Candidates

__all__ = ["Reservoir"]


class Reservoir(AbstractMemory):
    """Reservoir sampling (Vitter, 1985, algorithm R): each of all examples seen so far is held alike likely.

    New examples come in random order. The n-th of all takes the place of a random one with the probability `size / n`;
    so a class has room in proportion to its examples, whichever classes came later.

    Attributes:
        size: the number of examples in all.
    """

    kind: Literal["reservoir"] = "reservoir"
    size: NonNegativeInt

    def choose(self, candidates: Candidates, generator: torch.Generator) -> Tensor:
        """Return the positions, by place in the reservoir."""
        count = len(candidates.new)
        order = torch.randperm(count, generator=generator) + len(candidates.held)
        numbers = candidates.seen + torch.arange(1, count + 1)
        draws = (torch.rand(count, generator=generator, dtype=torch.float64) * numbers).long()
        held = list(range(len(candidates.held)))
        for position, place in zip(order.tolist(), draws.tolist(), strict=True):
            if len(held) < self.size:
                held.append(position)
            elif place < self.size:
                held[place] = position
        return torch.tensor(held, dtype=torch.int64)

    def room(self, labels: Tensor) -> int:
        """Return the number of examples that there are and that fit."""
        return min(self.size, len(labels))

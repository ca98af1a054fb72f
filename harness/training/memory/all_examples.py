"""A memory of everything."""

from typing import Literal

import torch
from torch import Tensor

from harness.training.memory._base import AbstractMemory, Candidates

__all__ = ["AllExamples"]


class AllExamples(AbstractMemory):
    """Every example stays; with a `fraction`, this is what `training.replay` does."""

    kind: Literal["all_examples"] = "all_examples"

    def choose(self, candidates: Candidates, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Return all positions."""
        return torch.arange(len(candidates.held) + len(candidates.new))

    def room(self, labels: Tensor) -> int:
        """Return the number of all examples."""
        return len(labels)

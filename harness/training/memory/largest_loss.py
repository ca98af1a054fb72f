"""A memory of the examples that were learned worst."""

from typing import Literal

import torch
from torch import Tensor

from harness.training.memory._base import AbstractByClass, Candidates

__all__ = ["LargestLoss"]


class LargestLoss(AbstractByClass):
    """Of each class, the examples with the largest cross-entropy among all classes when they were stored.

    Of equal losses, the example that comes first in the data counts more.
    """

    kind: Literal["largest_loss"] = "largest_loss"

    def rank(self, own: Tensor, count: int, candidates: Candidates, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Return those with the largest losses."""
        return own[candidates.losses()[own].argsort(descending=True, stable=True)[:count]]

"""A memory of random examples of each class."""

from typing import Literal

import torch
from torch import Tensor

from harness.training.memory._base import AbstractByClass, Candidates

__all__ = ["RandomExamples"]


class RandomExamples(AbstractByClass):
    """Of each class, examples that are drawn once, all alike; those that stay when room shrinks are random, too."""

    kind: Literal["random_examples"] = "random_examples"

    def rank(self, own: Tensor, count: int, candidates: Candidates, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Return random ones."""
        return own[torch.randperm(len(own), generator=generator)[:count]]

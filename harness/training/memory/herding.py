"""A memory of the examples whose mean is closest to that of their class."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from harness.training.memory._base import AbstractByClass, Candidates

__all__ = ["Herding", "herded"]


class Herding(AbstractByClass):
    """Of each class, one example after the other, so that the mean of their features stays close to the class's mean.

    Features have length 1, and so the first examples of a class are the best ones for any number of them (iCaRL, arXiv
    1611.07725, algorithm 4; Welling, 2009).

    Attributes:
        tap: the path of the module of the backbone whose outputs are the features.
    """

    kind: Literal["herding"] = "herding"
    tap: str

    @property
    def taps(self) -> tuple[str, ...]:
        """The tap."""
        return (self.tap,)

    def rank(self, own: Tensor, count: int, candidates: Candidates, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Return the examples in the order in which they are chosen."""
        return own[herded(candidates.features(self.tap)[own], count)]


def herded(features: Tensor, count: int) -> Tensor:
    """Return the positions `[count]` of the examples with `features` `[N, F]` that herding chooses, in order."""
    unit = functional.normalize(features.double(), dim=1)
    halves, towards = unit.square().sum(dim=1) / 2, unit @ unit.mean(dim=0)
    covered, free, chosen = torch.zeros_like(towards), torch.ones(len(unit), dtype=torch.bool), []
    for number in range(1, count + 1):
        # Of the squared distance between the means of what is chosen and of all, this is what tells examples apart.
        closeness = number * towards - covered - halves
        best = closeness.where(free, -torch.inf).argmax()
        chosen.append(best)
        free[best] = False
        covered = covered + unit @ unit[best]
    return torch.stack(chosen)

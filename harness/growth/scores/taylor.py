"""Units without which the loss would be nearly the same."""

from typing import Literal

import torch
from torch import Tensor

from harness.growth.scores._base import AbstractScore, Seen

__all__ = ["TaylorScore"]


class TaylorScore(AbstractScore):
    """By how much the loss would change without a unit, to first order (arXiv 1611.06440, section 2.2).

    It is `|sum of z dC/dz|` over all that a unit answers to one example, which lies behind one index of the first
    dimension; then the mean over examples. The probe tells the loss; in studies it is the one that is trained.

    Attributes:
        output: the name of the output that the probe's targets belong to; the first unless given.
    """

    kind: Literal["taylor"] = "taylor"
    output: str | None = None

    @property
    def reads_loss(self) -> bool:
        """Return that it does."""
        return True

    def scores(self, seen: Seen, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Return the changes."""
        changes = [_by_example(values * slopes) for values, slopes in seen.slopes(self.output)]
        if len({len(change) for change in changes}) > 1:  # one reads examples, and another positions
            return torch.stack([change.abs().mean(dim=0) for change in changes]).sum(0)
        return torch.stack(changes).sum(0).abs().mean(dim=0)


def _by_example(products: Tensor) -> Tensor:
    """Return the sums `[B, U]` of `[B, ..., U, K]`."""
    return products.double().movedim(-2, 1).flatten(2).sum(dim=2).cpu()

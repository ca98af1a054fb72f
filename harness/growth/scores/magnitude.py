"""Units with small weights."""

from typing import Literal

import torch
from torch import Tensor

from harness.growth.scores._base import AbstractScore, Seen

__all__ = ["MagnitudeScore"]


class MagnitudeScore(AbstractScore):
    """The norm of a unit's incoming weights (arXiv 1608.08710): the sum of their sizes, or with `order=2` the length.

    Of several layers that write to the units, the norms are added up.
    """

    kind: Literal["magnitude"] = "magnitude"
    order: Literal[1, 2] = 1

    def scores(self, seen: Seen, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Return the norms."""
        return torch.stack([weights.norm(p=self.order, dim=1) for weights in seen.incoming]).sum(0)

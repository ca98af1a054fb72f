"""Any units."""

from typing import Literal

import torch
from torch import Tensor

from harness.growth.scores._base import AbstractScore, Seen

__all__ = ["RandomScore"]


class RandomScore(AbstractScore):
    """Drawn numbers: what other scores are compared with."""

    kind: Literal["random"] = "random"

    def scores(self, seen: Seen, generator: torch.Generator) -> Tensor:
        """Return numbers from 0 to 1."""
        return torch.rand(len(seen.incoming[0]), generator=generator, dtype=torch.float64)

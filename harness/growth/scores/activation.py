"""Units that answer little."""

from typing import Literal

import torch
from torch import Tensor

from harness.growth.scores._base import AbstractScore, Seen

__all__ = ["ActivationScore"]


class ActivationScore(AbstractScore):
    """The mean absolute value of what a unit answers to the examples of the probe, as those layers see it that read it.

    It is behind activations and norms (arXiv 1611.06440, section 2.2). Of several layers that read the units, it is the
    mean over all that they read.
    """

    kind: Literal["activation"] = "activation"

    def scores(self, seen: Seen, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Return the means."""
        sizes = [values.abs().double().movedim(-2, 0).flatten(1).cpu() for values in seen.values()]
        return torch.cat(sizes, dim=1).mean(dim=1)

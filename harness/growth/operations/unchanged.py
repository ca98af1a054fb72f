"""A growth that leaves the network as it is."""

from typing import Literal

import torch
from torch import nn

from harness.growth.operations._base import AbstractOperation
from harness.growth.probe import Probe
from harness.growth.record import Growth, Promise

__all__ = ["Unchanged"]


class Unchanged(AbstractOperation):
    """Change nothing: a step at which classes are revealed, a teacher is kept or a freeze policy begins."""

    kind: Literal["unchanged"] = "unchanged"

    def promise(self) -> Promise:
        """Return that everything stays the same to the bit."""
        return Promise.EXACT

    def apply(self, model: nn.Module, *, probe: Probe | None, generator: torch.Generator) -> Growth:  # noqa: ARG002
        """Return an empty record."""
        return Growth(born=())

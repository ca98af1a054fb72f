"""A head leaves."""

from typing import Literal

import torch
from torch import nn

from harness.core.errors import SpecError
from harness.growth.operations._base import AbstractOperation
from harness.growth.probe import Probe
from harness.growth.record import Growth, Promise
from harness.models.growable import GrowableModel

__all__ = ["RemoveHead"]


class RemoveHead(AbstractOperation):
    """Take the head `name` away: its output, its parameters and their moments, and its loss; all others stay the same.

    A head that may come back is switched off instead, by `ToggleHead`. A new one may have the same name.
    """

    kind: Literal["remove_head"] = "remove_head"
    name: str

    def promise(self) -> Promise:
        """Return that all other outputs stay the same to the bit."""
        return Promise.EXACT

    def apply(self, model: nn.Module, *, probe: Probe | None, generator: torch.Generator) -> Growth:  # noqa: ARG002
        """Remove it. Raises `SpecError` if there is no such head, or no other output."""
        if not isinstance(model, GrowableModel):
            raise SpecError(
                f"expected a GrowableModel, whose heads have names, found {type(model).__name__}; "
                "wrap it: model = GrowableModel(model, output='known')"
            )
        before = list(model.parameters())
        model.remove(self.name)
        return Growth.between(before, model)

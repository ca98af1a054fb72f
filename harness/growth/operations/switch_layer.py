"""Inserted layers are switched on or off."""

from typing import Literal

import torch
from torch import nn

from harness.growth.operations._base import AbstractOperation
from harness.growth.probe import Probe
from harness.growth.record import Growth, Promise
from harness.models.inserted import switch

__all__ = ["SwitchLayer"]


class SwitchLayer(AbstractOperation):
    """Switch the inserted layers that have `flag` on or off: whatever reached them then passes as it is, or not.

    No value is touched: what is off is not called, gets no gradient, and is as it was when it is switched on again.
    """

    kind: Literal["switch_layer"] = "switch_layer"
    flag: str
    on: bool

    def promise(self) -> Promise:
        """Return nothing: layers that have learned something change what the network computes."""
        return Promise.NONE

    def apply(self, model: nn.Module, *, probe: Probe | None, generator: torch.Generator) -> Growth:  # noqa: ARG002
        """Switch them. Raises `SpecError` if there is no such flag."""
        switch(model, self.flag, on=self.on)
        return Growth(born=())

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
    """Switch the inserted layers that have `flag` on or off; features pass unchanged where a layer is off.

    No value changes: a layer that is off is not called and gets no gradient, and is the same when it is switched on.
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

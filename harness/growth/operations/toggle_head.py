"""An existing head or branch is switched on or off."""

from typing import Literal

import torch
from pydantic import model_validator
from torch import nn

from harness.core.errors import SpecError
from harness.growth.operations._base import AbstractOperation
from harness.growth.probe import Probe
from harness.growth.record import Growth, Promise
from harness.models.growable import GrowableModel
from harness.models.switched_off import switch_branch

__all__ = ["ToggleHead"]


class ToggleHead(AbstractOperation):
    """Switch an output of a `GrowableModel` by its name, or any module by its path, on or off.

    A module that is off is not called: its parameters get no gradient and no update, its statistics do not change, and
    its values and moments are the same when it is switched on again. The outputs lack one that is off; all others stay
    the same to the bit. A branch that is off returns a zero, so it adds nothing to a residual sum. With a probe the
    network is called without the branch: it is refused to switch off one that more than a sum depends on.
    """

    kind: Literal["toggle_head"] = "toggle_head"
    name: str | None = None
    path: str | None = None
    on: bool

    @model_validator(mode="after")
    def _one_target(self) -> "ToggleHead":
        if (self.name is None) == (self.path is None):
            raise ValueError(f"expected the name of an output or a path, found name={self.name!r} path={self.path!r}")
        return self

    def promise(self) -> Promise:
        """Return that other outputs stay the same; a branch changes whatever it adds to."""
        return Promise.NONE if self.name is None else Promise.EXACT

    def apply(self, model: nn.Module, *, probe: Probe | None, generator: torch.Generator) -> Growth:  # noqa: ARG002
        """Switch it. Raises `SpecError` for an unknown output, `ModulePathError` for a branch that cannot be off."""
        if self.name is None:
            switch_branch(model, self.path or "", on=self.on, inputs=None if probe is None else probe.inputs)
            return Growth(born=())
        if not isinstance(model, GrowableModel):
            raise SpecError(
                f"expected a GrowableModel, whose outputs have names, found {type(model).__name__}; say path=... "
                "or wrap it: model = GrowableModel(model, output='known')"
            )
        model.switch(self.name, on=self.on)
        return Growth(born=(), outputs=(self.name,) if self.on else ())

"""A new layer after any module."""

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import AfterValidator, model_validator
from torch import nn

from harness.core.errors import SpecError
from harness.growth.layers import AbstractLayer, Function
from harness.growth.operations._base import AbstractOperation
from harness.growth.probe import Probe
from harness.growth.record import Growth, Promise
from harness.models.inserted import Inserted, features_after, insert
from harness.models.layout import Layout, in_standard_order, to_layout
from harness.models.paths import module_at

__all__ = ["InsertLayer"]


def _part_of_path(name: str) -> str:
    if not (name.isascii() and name.isidentifier()):
        raise ValueError(f"expected a name such as Python's own, of letters, digits and _, found {name!r}")
    return name


class InsertLayer(AbstractOperation):
    """Pass the output of the module at `after` through a new layer; all existing names stay the same.

    The module may lie anywhere, but must be called exactly once in a forward pass. If its output is a tuple, as that of
    recurrent layers and attention, its first item is passed. The new layer is the child `name` of the module
    (`harness.models.inserted` says why): `<after>.<name>` is a path for later operations, and a head at the tap `after`
    reads the new layer's output. Its parameters are trained even if the layers around it are frozen.

    Attributes:
        layer: what is inserted.
        function: what it computes at first. `residual`: x + f(x), where f returns zeros but has a gradient. `identity`:
            f alone, which returns x. `random`: f alone, with drawn values, so that the network computes something else.
        flag: a name by which `SwitchLayer` can switch it on and off later.
        on: whether it is switched on; a layer that is off is not called.
        layout: of the features, such as `TBF`, if the operation cannot tell it; see `harness.models.layout`.
    """

    kind: Literal["insert_layer"] = "insert_layer"
    later: ClassVar[tuple[str, ...]] = ("layout",)
    after: str
    layer: AbstractLayer
    function: Function = "residual"
    name: Annotated[str, AfterValidator(_part_of_path)] = "inserted"
    flag: str | None = None
    on: bool = True
    layout: Layout | None = None

    @model_validator(mode="after")
    def _possible(self) -> "InsertLayer":
        self.layer.check(self.function)
        if not self.on and self.flag is None:
            raise ValueError("expected a flag by which a layer that is off can be switched on, found none; name one")
        return self

    def promise(self) -> Promise:
        """Return `EXACT` for a branch of zeros, `CLOSE` for an identity, and `NONE` for random values."""
        if not self.on:
            return Promise.EXACT
        return {"residual": Promise.EXACT, "identity": Promise.CLOSE, "random": Promise.NONE}[self.function]

    def apply(self, model: nn.Module, *, probe: Probe | None, generator: torch.Generator) -> Growth:
        """Insert the layer. Raises `ModulePathError` for an impossible path, `SpecError` for an unfit layer."""
        if probe is None:
            raise SpecError("expected inputs to find the size of the new layer, found none; give probe=Probe(inputs)")
        module, before = module_at(model, self.after), list(model.parameters())
        if hasattr(module, self.name):
            raise SpecError(f"expected a new name for a layer after {self.after!r}, found {self.name!r}, which exists")
        features, layout = features_after(model, self.after, self.name, probe.inputs, self.layout)
        in_order = features if layout is None else to_layout(features, layout, in_standard_order(layout))
        # Building a layer draws from the global generator, for values that are overwritten.
        with torch.random.fork_rng(devices=[]):
            layer = self.layer.build(in_order.float().cpu(), self.function, generator)
        residual = self.function == "residual"
        new = Inserted(layer, residual=residual, flag=self.flag, on=self.on, layout=layout)
        insert(module, self.name, new.to(features.device, features.dtype).train(module.training))
        return Growth.between(before, model)

"""More units or channels for a hidden layer."""

from typing import Literal

import torch
from pydantic import PositiveInt, model_validator
from torch import nn

from harness.core.errors import ModulePathError, SpecError
from harness.growth.consumers import Layer, consumers
from harness.growth.linear_path import path_gradients
from harness.growth.operations._base import AbstractOperation
from harness.growth.probe import Probe
from harness.growth.record import Growth, Moments, Promise
from harness.growth.resized import check_followers, surroundings, with_inputs, with_statistics, with_units
from harness.growth.tracing import trace
from harness.growth.units import AbstractUnits, CopiedUnits
from harness.models.paths import full_path, module_at

__all__ = ["WidenLayer"]


class WidenLayer(AbstractOperation):
    """Give the linear layer or convolution at `path` more units, and the layers that read them more inputs.

    Norms in between get new entries as well: for a copied unit those of its original; for any other unit scale and
    variance one, shift and mean zero. `harness.growth.consumers` finds all of them by tracing the network with
    `torch.fx`. If something cannot grow, such as a residual sum with another branch, the error names it and nothing is
    changed.

    The modules stay the same objects with bigger tensors, in which old entries come first and keep their moments.

    Attributes:
        by: the number of new units; or
        to: the number of units afterwards.
        method: how the weights around the new units get their values.
        moments: which moments new entries have, see `Carried`.
    """

    kind: Literal["widen_layer"] = "widen_layer"
    path: str
    by: PositiveInt | None = None
    to: PositiveInt | None = None
    method: AbstractUnits = CopiedUnits()
    moments: Moments = "zero"

    @model_validator(mode="after")
    def _one_size(self) -> "WidenLayer":
        if (self.by is None) == (self.to is None):
            raise ValueError(f"expected either by or to, found by={self.by} to={self.to}")
        return self

    def promise(self) -> Promise:
        """Return what the method promises."""
        return self.method.promise()

    def apply(self, model: nn.Module, *, probe: Probe | None, generator: torch.Generator) -> Growth:
        """Widen the layer. Raises `ModulePathError` where it is impossible, `SpecError` for an impossible size."""
        if probe is None:
            raise SpecError("expected inputs to trace the network with, found none; give probe=Probe(inputs)")
        layer, before = self._layer(model), list(model.parameters())
        added = self._added(len(layer.weight))
        traced = trace(model, probe.inputs)
        followers = consumers(traced, full_path(model, self.path), added)
        check_followers(model, followers)
        around = surroundings(
            model, layer, followers, lambda output: path_gradients(model, traced, followers, probe, output)
        )
        new = self.method.units(around, added, generator)
        carried = with_units(layer, new.incoming, new.bias, self.moments)
        for norm in followers.norms:
            carried += with_statistics(model.get_submodule(norm.path), norm, new, self.moments)
        for reader, weight in zip(followers.layers, new.outgoing, strict=True):
            carried += with_inputs(model.get_submodule(reader.path), reader, weight, self.moments)
        return Growth.between(before, model, carried=carried)

    def _layer(self, model: nn.Module) -> Layer:
        layer = module_at(model, self.path)
        if not isinstance(layer, Layer):
            raise ModulePathError(
                f"expected a linear layer or a convolution at {self.path!r}, found {type(layer).__name__}; name one"
            )
        if isinstance(layer, nn.Linear) or layer.groups == 1:
            return layer
        raise ModulePathError(f"expected a convolution of one group at {self.path!r}, found {layer.groups} groups")

    def _added(self, units: int) -> int:
        if self.by is not None:
            return self.by
        if self.to is None or self.to <= units:
            raise SpecError(f"expected to={self.to} to exceed the units of {self.path!r}, found {units} of them")
        return self.to - units

"""Adapters become a part of the weights."""

from typing import Literal

import torch
from torch import Tensor, nn

from harness.core.errors import ModulePathError, SpecError
from harness.growth.operations._base import AbstractOperation
from harness.growth.probe import Probe
from harness.growth.record import Carried, Growth, Promise
from harness.growth.spaces.matrices import kind_of
from harness.models.adapter import Adapter, adapters_of, take_off
from harness.models.rows import holders, successor

__all__ = ["MergeAdapter"]


class MergeAdapter(AbstractOperation):
    """Add the products of all adapters `name` to the weights of their layers, and take the adapters away.

    Outputs are the same but for rounding. The weights keep their moments; the adapters' are gone.
    """

    kind: Literal["merge_adapter"] = "merge_adapter"
    name: str = "adapter"

    def promise(self) -> Promise:
        """Return that outputs are the same but for rounding."""
        return Promise.CLOSE

    def apply(self, model: nn.Module, *, probe: Probe | None, generator: torch.Generator) -> Growth:  # noqa: ARG002
        """Merge them. Raises `SpecError` if there are none, `ModulePathError` for a weight that is tied or computed."""
        before, layers = list(model.parameters()), adapters_of(model, self.name)
        if not layers:
            raise SpecError(f"expected adapters {self.name!r}, as AddAdapter makes them, found none")
        weights = {path: _own_weight(model, path, layer) for path, layer in layers.items()}
        carried = tuple(self._merged(layers[path], weight) for path, weight in weights.items())
        return Growth.between(before, model, carried=carried)

    def _merged(self, layer: nn.Module, old: nn.Parameter) -> Carried:
        adapter = layer.get_submodule(self.name)
        assert isinstance(adapter, Adapter)
        product = adapter.product() if kind_of(layer).outputs == 0 else adapter.product().T
        new = successor(old, old.detach().double().cpu() + product)
        assert isinstance(new, nn.Parameter)
        layer.weight = new
        take_off(layer, self.name)
        return Carried(old, new, tuple(slice(0, size) for size in old.shape))


def _own_weight(model: nn.Module, path: str, layer: nn.Module) -> nn.Parameter:
    own: Tensor | None = dict(layer.named_parameters(recurse=False)).get("weight")
    if not isinstance(own, nn.Parameter):
        raise ModulePathError(f"expected a plain weight at {path!r}, found a computed one; remove its norm first")
    if len(held := holders(model, own)) > 1:
        names = ", ".join(map(str, held))
        raise ModulePathError(f"expected {path!r} alone to hold its weight, found it tied: {names}; untie it first")
    return own

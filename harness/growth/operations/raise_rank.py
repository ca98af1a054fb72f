"""Low-rank adapters of a higher rank."""

import math
from typing import Any, Literal

import torch
from pydantic import PositiveInt
from torch import nn

from harness.core.errors import ModulePathError, SpecError
from harness.core.spec import did_you_mean
from harness.growth.operations._base import AbstractOperation
from harness.growth.probe import Probe
from harness.growth.record import Carried, Growth, Moments, Promise
from harness.initializers import AbstractInitializer, LayerContext, TorchDefault
from harness.models.lora import Factor, adapted_layers, adapter_names, factors, note_ranks
from harness.models.paths import module_at
from harness.models.rows import successor

__all__ = ["RaiseRank"]

SIZES = ("in_channels", "in_features", "out_channels", "out_features")


class RaiseRank(AbstractOperation):
    """Give the LoRA adapters of a PEFT model at and under `path` the rank `to`; outputs stay the same but for rounding.

    The matrix A (arXiv 2106.09685), which reads, gets new rows, and B, which writes, columns of zeros, which have a
    gradient through A. The scaling of the product is kept, and not the alpha that it is computed from: that follows, as
    do rank and alpha in the adapter's config, by which PEFT loads it again.

    Attributes:
        adapter: the name of the adapter.
        new_rows: fills the rows of A; by default as PEFT does.
        moments: which moments new entries have; see `Carried`.
    """

    kind: Literal["raise_rank"] = "raise_rank"
    to: PositiveInt
    path: str = ""
    adapter: str = "default"
    new_rows: AbstractInitializer = TorchDefault()
    moments: Moments = "zero"

    def promise(self) -> Promise:
        """Return that outputs are the same but for rounding."""
        return Promise.CLOSE

    def apply(self, model: nn.Module, *, probe: Probe | None, generator: torch.Generator) -> Growth:  # noqa: ARG002
        """Raise it. Raises `ModulePathError` for no such adapter, `SpecError` if it has the rank `to` or more."""
        layers, before = self._layers(model), list(model.parameters())
        values = {name: self._new_rows(layer, generator) for name, layer in layers.items()}
        carried = tuple(item for name, layer in layers.items() for item in self._raise(layer, values[name]))
        note_ranks(model, self.adapter, layers)
        return Growth.between(before, model, carried=carried)

    def _layers(self, model: nn.Module) -> dict[str, Any]:
        """Return by name the layers that have the adapter."""
        inside = {id(module) for module in module_at(model, self.path).modules()}
        adapted = {name: module for name, module in adapted_layers(model).items() if id(module) in inside}
        layers = {name: layer for name, layer in adapted.items() if self.adapter in adapter_names(layer)}
        if not layers:
            known = {adapter for layer in adapted.values() for adapter in adapter_names(layer)}
            raise ModulePathError(
                f"no layer with a LoRA adapter {self.adapter!r} at {self.path!r}.{did_you_mean(self.adapter, known)}"
            )
        for name, layer in layers.items():
            self._check(name, layer)
        return layers

    def _check(self, name: str, layer: Any) -> None:
        if self.adapter in layer.merged_adapters:
            raise ModulePathError(
                f"expected an adapter beside the weight of {name!r}, found it merged; unmerge it first"
            )
        if self.adapter in layer.lora_variant:
            variant = type(layer.lora_variant[self.adapter]).__name__
            raise ModulePathError(f"expected a plain LoRA adapter at {name!r}, found a {variant}; raise plain ones")
        if layer.r[self.adapter] >= self.to:
            raise SpecError(f"expected to={self.to} to exceed the rank at {name!r}, found {layer.r[self.adapter]}")

    def _new_rows(self, layer: Any, generator: torch.Generator) -> torch.Tensor:
        old = factors(layer, self.adapter)[0].tensor.detach()
        context = LayerContext(old[0].numel(), self.to * old[0, 0].numel(), old.float().cpu())
        return self.new_rows.values((self.to - len(old), *old.shape[1:]), context, generator)

    def _raise(self, layer: Any, rows: torch.Tensor) -> tuple[Carried, ...]:
        reading, writing = factors(layer, self.adapter)
        wide = [size if dim != 1 else self.to - len(reading.tensor) for dim, size in enumerate(writing.tensor.shape)]
        columns = writing.tensor.detach().new_zeros(wide)
        alpha = layer.scaling[self.adapter] * self._divisor(layer)
        layer.r[self.adapter], layer.lora_alpha[self.adapter] = self.to, _whole(alpha)
        return self._extended(reading, rows), self._extended(writing, columns)

    def _divisor(self, layer: Any) -> float:
        return math.sqrt(self.to) if layer.use_rslora.get(self.adapter) else self.to

    def _extended(self, factor: Factor, more: torch.Tensor) -> Carried:
        old = factor.tensor
        values = torch.cat([old.detach(), more.to(old)], dim=factor.rank)
        setattr(factor.module, factor.name, successor(old, values))
        have = old.shape[factor.rank]
        for name in SIZES[:2] if factor.rank else SIZES[2:]:
            if vars(factor.module).get(name) == have:
                setattr(factor.module, name, self.to)
        return Carried(old, factor.tensor, tuple(slice(0, size) for size in old.shape), self.moments, factor.rank)


def _whole(alpha: float) -> float:
    return int(alpha) if alpha == int(alpha) else alpha

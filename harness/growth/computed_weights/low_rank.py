"""A weight with a low-rank adapter (LoRA, arXiv 2106.09685): what is frozen plus a product of two small matrices."""

from typing import Any

import torch
from torch import nn

from harness.core.errors import ModulePathError
from harness.growth.computed_weights._base import (
    AbstractComputedWeight,
    carried_to,
    kept_along,
    replaced_slot,
    staying_along,
)
from harness.growth.record import Carried
from harness.models.lora import Factor, adapter_names, delta_of, factors, is_lora, is_plain_lora
from harness.models.rows import holders

__all__ = ["LowRankAdapted"]

SIZES = ("in_features", "out_features")


class LowRankAdapted(AbstractComputedWeight):
    """`w = W + s B A`: what is new is new in W, and the matrices are zero there, with a gradient through each other."""

    @classmethod
    def found(cls, model: nn.Module, path: str, layer: nn.Module) -> "LowRankAdapted | None":
        """Return the computed weight of the layer at `path`, if it is one: with one adapter, and tied to no other."""
        if not is_lora(layer) or len(adapter_names(layer)) != 1 or not is_plain_lora(layer):
            return None
        base = layer.get_submodule("base_layer")
        weight = vars(base)["_parameters"].get("weight")
        if weight is None or not weight.is_floating_point() or len(holders(model, weight)) != 1:
            return None
        return cls(model, path, layer)

    def __init__(self, model: nn.Module, path: str, adapted: nn.Module) -> None:
        self.path = path
        self.adapted: Any = adapted
        self.adapter = adapter_names(adapted)[0]
        self.layer = adapted.get_submodule("base_layer")
        self.base = self.layer.get_parameter("weight")
        delta = delta_of(adapted, self.adapter).to(self.base)
        self.plain = nn.Parameter(self.base.detach() + delta, requires_grad=self.base.requires_grad)
        self.places = [
            (module, name) for module in model.modules() for name, child in module.named_children() if child is adapted
        ]

    def open(self) -> None:
        """Put the base layer, with the weight that is computed, in the place of the layer with the adapter."""
        vars(self.layer)["_parameters"]["weight"] = self.plain
        for module, name in self.places:
            vars(module)["_modules"][name] = self.layer

    def close(self) -> None:
        """Undo `open`."""
        vars(self.layer)["_parameters"]["weight"] = self.base
        for module, name in self.places:
            vars(module)["_modules"][name] = self.adapted

    def check(self) -> None:
        """Check that the base layer stands where it was put."""
        if any(vars(module)["_modules"][name] is not self.layer for module, name in self.places):
            raise ModulePathError(
                f"expected the layer at {self.path!r}, which has an adapter, to stay in its place, found that another "
                "would replace or wrap it; use rows='in_place', or merge the adapter first"
            )

    def origin(self) -> nn.Parameter:
        """Return the matrix that writes the outputs."""
        return factors(self.adapted, self.adapter)[1].tensor

    def follow(self, item: Carried) -> tuple[Carried, ...]:
        """Give the base layer what is new in `item.new`, and the matrices zeros there."""
        weight, old = item.new.detach(), item.old.detach()[item.source]
        base = self.base.detach()[item.source]
        grown = weight.clone()
        # Where the weight did not change, neither does the base; it must not be rounded by a sum and a difference.
        grown[item.region] = torch.where(weight[item.region] == old, base, base + (weight[item.region] - old))
        carried = [carried_to(self.layer, "weight", grown, item)]
        carried += [new for factor in factors(self.adapted, self.adapter) for new in self._padded(factor, item)]
        for name in SIZES:
            if name in vars(self.adapted):
                dims = dict(zip(SIZES, self._sides(), strict=True))
                setattr(self.adapted, name, grown.shape[dims[name]])
        return tuple(carried)

    def _sides(self) -> tuple[int, int]:
        reading, writing = factors(self.adapted, self.adapter)
        return reading.weight_dim, writing.weight_dim

    def _padded(self, factor: Factor, item: Carried) -> tuple[Carried, ...]:
        old, size = factor.tensor, item.new.shape[factor.weight_dim]
        if size == old.shape[factor.other]:
            return ()
        kept, staying = kept_along(item, factor.weight_dim), staying_along(item, factor.weight_dim)
        shape = [size if dim == factor.other else length for dim, length in enumerate(old.shape)]
        region: list[slice | torch.Tensor] = [slice(0, length) for length in old.shape]
        region[factor.other] = kept
        source: list[slice | torch.Tensor] = [slice(0, length) for length in old.shape]
        source[factor.other] = staying
        values = old.detach().new_zeros(shape)
        values[tuple(region)] = old.detach()[tuple(source)]
        replaced_slot(factor.module, factor.name, values)
        for name in SIZES:
            if vars(factor.module).get(name) == old.shape[factor.other]:
                setattr(factor.module, name, size)
        left = tuple(source) if item.source else ()
        return (Carried(old, factor.tensor, tuple(region), item.moments, factor.other, left),)

"""Weight normalization (arXiv 1602.07868): a length g and a direction v for each row."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import _WeightNorm
from torch.nn.utils.weight_norm import WeightNorm

from harness.core.errors import ModulePathError
from harness.growth.computed_weights._base import carried_to, kept_along, replaced_slot, staying_along
from harness.growth.computed_weights.normed import AbstractNormedWeight, InHook, InParametrization
from harness.growth.record import Carried

__all__ = ["NormedByLength"]


class NormedByLength(AbstractNormedWeight):
    """`w = g v / |v|`, along one dimension of the weight; or one length for all of it.

    Old rows keep their directions to the bit, and their weights but for rounding. Where a row gets more inputs, those
    join its direction in proportion, and its length grows to that of the whole row.
    """

    @classmethod
    def found(cls, _model: nn.Module, path: str, layer: nn.Module) -> "NormedByLength | None":
        """Return the computed weight of the layer at `path`, if it is one."""
        norm = InParametrization.norm_of(layer)
        if isinstance(norm, _WeightNorm):
            originals = layer.get_submodule("parametrizations.weight")
            slots = {"length": (originals, "original0"), "direction": (originals, "original1")}
            return cls(path, InParametrization(layer, slots), norm.dim)
        hook = InHook.hook_of(layer, WeightNorm)
        if hook is None:
            return None
        slots = {"length": (layer, "weight_g"), "direction": (layer, "weight_v")}
        return cls(path, InHook(layer, hook, slots, lambda: hook.compute_weight(layer)), hook.dim)

    def __init__(self, path: str, storage: InHook | InParametrization, dim: int) -> None:
        super().__init__(path, storage)
        self.dim = dim

    def origin(self) -> nn.Parameter:
        """Return the direction."""
        module, name = self.storage.slots["direction"]
        return module.get_parameter(name)

    def follow(self, item: Carried) -> tuple[Carried, ...]:
        """Give the layer lengths and directions of the weight `item.new`."""
        weight, old = item.new.detach(), item.old.detach()[item.source]
        length, direction = self.tensor("length").detach(), self.tensor("direction").detach()
        # What a direction must be multiplied with to be the weight, row by row; new rows are their own direction.
        scale = torch.ones_like(torch.norm_except_dim(weight, 2, self.dim))
        own = length / torch.norm_except_dim(direction, 2, self.dim)
        scale[self._lengths(item, scale)] = own[self._lengths(item, scale, staying_along)]
        direction = direction[item.source]
        grown = weight / scale
        same = weight[item.region] == old
        grown[item.region] = torch.where(same, direction, grown[item.region])
        lengths = scale * torch.norm_except_dim(grown, 2, self.dim)
        self._check(lengths)
        carried = (
            carried_to(*self.storage.slots["direction"], grown, item),
            self._carried_length(lengths, item),
        )
        self.refresh()
        return carried

    def _lengths(
        self, item: Carried, scale: Tensor, along: Callable[[Carried, int], Tensor] = kept_along
    ) -> tuple[slice | Tensor, ...]:
        """Return the index of the old lengths among the new ones; or of those that stay among the old ones."""
        return tuple(along(item, dim) if dim == self.dim else slice(None) for dim in range(scale.dim()))

    def _carried_length(self, lengths: Tensor, item: Carried) -> Carried:
        module, name = self.storage.slots["length"]
        old = module.get_parameter(name)
        replaced_slot(module, name, lengths)
        source = self._lengths(item, lengths, staying_along) if item.source else ()
        new, region = module.get_parameter(name), self._lengths(item, lengths)
        return Carried(old, new, region, item.moments, max(self.dim, 0), source)

    def _check(self, lengths: Tensor) -> None:
        if not bool((lengths != 0).all()) or not bool(lengths.isfinite().all()):
            raise ModulePathError(
                f"expected rows with a length at {self.path!r}, which is under weight norm, found zeros, which have no "
                "direction; choose another initializer for new rows"
            )

"""Spectral normalization (arXiv 1802.05957): a weight divided by its largest singular value."""

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.spectral_norm import SpectralNorm

from harness.core.errors import ModulePathError
from harness.growth.computed_weights._base import carried_to, kept_along, replaced_slot
from harness.growth.computed_weights.normed import AbstractNormedWeight, InHook, InParametrization
from harness.growth.record import Carried

__all__ = ["NormedBySpectrum"]

TOLERANCE = 1e-3


class NormedBySpectrum(AbstractNormedWeight):
    """`w = W / (u^T W v)`, where u and v follow W by the power method.

    The weight as it is grown is kept, by vectors u and v that are zero at new rows and columns. Training would lose it
    at the next step if the largest singular value were another one then, so that is refused.
    """

    @classmethod
    def found(cls, _model: nn.Module, path: str, layer: nn.Module) -> "NormedBySpectrum | None":
        """Return the computed weight of the layer at `path`, if it is one."""
        norm = InParametrization.norm_of(layer)
        if isinstance(norm, _SpectralNorm):
            slots = {"weight": (layer.get_submodule("parametrizations.weight"), "original")}
            return cls(path, InParametrization(layer, {**slots, "left": (norm, "_u"), "right": (norm, "_v")}), norm.dim)
        hook = InHook.hook_of(layer, SpectralNorm)
        if hook is None:
            return None
        slots = {role: (layer, f"weight_{name}") for role, name in (("weight", "orig"), ("left", "u"), ("right", "v"))}
        return cls(path, InHook(layer, hook, slots, lambda: hook.compute_weight(layer, False)), hook.dim)

    def __init__(self, path: str, storage: InHook | InParametrization, dim: int) -> None:
        super().__init__(path, storage)
        self.dim = dim

    def origin(self) -> nn.Parameter:
        """Return the weight that is normed."""
        module, name = self.storage.slots["weight"]
        return module.get_parameter(name)

    def follow(self, item: Carried) -> tuple[Carried, ...]:
        """Give the layer a weight of which `item.new` is what is left when it is normed."""
        if item.source:
            raise ModulePathError(
                f"expected a weight of which a part can leave at {self.path!r}, found one under spectral norm, whose "
                "largest singular value would be another one; remove the norm first"
            )
        weight, old, original = item.new.detach(), item.old.detach(), self.tensor("weight").detach()
        self._check(weight, old)
        left, right = self.tensor("left"), self.tensor("right")
        sigma = torch.dot(left, self._matrix(original) @ right)
        grown = weight * sigma
        grown[item.region] = torch.where(weight[item.region] == old, original, grown[item.region])
        self._grow_vectors(item, left, right, old)
        carried = (carried_to(*self.storage.slots["weight"], grown, item),)
        self.refresh()
        return carried

    def _grow_vectors(self, item: Carried, left: Tensor, right: Tensor, old: Tensor) -> None:
        rest = [dim for dim in range(old.dim()) if dim != self.dim]
        longer = left.new_zeros(item.new.shape[self.dim])
        longer[kept_along(item, self.dim)] = left
        wider = right.new_zeros([item.new.shape[dim] for dim in rest])
        places = torch.meshgrid(*(kept_along(item, dim) for dim in rest), indexing="ij")
        wider[places] = right.reshape([old.shape[dim] for dim in rest])
        replaced_slot(*self.storage.slots["left"], longer)
        replaced_slot(*self.storage.slots["right"], wider.flatten())

    def _matrix(self, weight: Tensor) -> Tensor:
        return weight.movedim(self.dim, 0).flatten(1)

    def _check(self, weight: Tensor, old: Tensor) -> None:
        before, after = (float(torch.linalg.matrix_norm(self._matrix(w.double()), 2)) for w in (old, weight))
        if abs(after / before - 1) > TOLERANCE:
            raise ModulePathError(
                f"expected what is new at {self.path!r}, which is under spectral norm, to leave the largest singular "
                f"value as it is, found {after / before:.3g} times the old one, by which training would divide all "
                "weights; begin with zeros, or with rows of their own"
            )

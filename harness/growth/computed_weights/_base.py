"""What a computed weight is."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from harness.growth.record import Carried
from harness.models.rows import successor

__all__ = ["AbstractComputedWeight", "carried_to", "kept_along", "replaced_slot", "staying_along"]


class AbstractComputedWeight(ABC):
    """The weight of a layer that is computed from other tensors, for which a plain parameter can stand in.

    Attributes:
        path: of the layer, as in `named_modules`.
        layer: the module whose attribute `weight` is plain while the weight is open.
        plain: the parameter that stands in.
    """

    path: str
    layer: nn.Module
    plain: nn.Parameter

    @abstractmethod
    def open(self) -> None:
        """Let the layer hold a plain parameter with the values of the computed weight."""

    @abstractmethod
    def close(self) -> None:
        """Let the layer compute its weight again, from the tensors of before."""

    def check(self) -> None:  # noqa: B027
        """Check, while the weight is open, that the layer can be closed.

        Raises:
            ModulePathError: it cannot.
        """

    @abstractmethod
    def origin(self) -> nn.Parameter:
        """Return the parameter from which the weight is computed above all, whose settings new rows take."""

    @abstractmethod
    def follow(self, item: Carried) -> tuple[Carried, ...]:
        """Replace the tensors that the weight is computed from, so that it has the values of `item.new`.

        Returns:
            The record for the optimizer: what those tensors became.

        Raises:
            ModulePathError: there are no such tensors.
        """


def replaced_slot(module: nn.Module, name: str, values: Tensor) -> Tensor:
    """Replace a parameter or buffer of `module` by one with these values, of its device and type."""
    new = successor(getattr(module, name), values)
    setattr(module, name, new)
    return new


def carried_to(module: nn.Module, name: str, values: Tensor, item: Carried) -> Carried:
    """Replace a parameter of `module`, whose entries lie where those of `item` do, and return the record."""
    old = module.get_parameter(name)
    replaced_slot(module, name, values)
    return Carried(old, module.get_parameter(name), item.region, item.moments, item.units, item.source)


def kept_along(item: Carried, dim: int) -> Tensor:
    """Return where the old entries along `dim` lie in the new parameter, `[old size]`."""
    index = item.region[dim]
    return torch.arange(item.new.shape[dim])[index] if isinstance(index, slice) else index.flatten().cpu()


def staying_along(item: Carried, dim: int) -> Tensor:
    """Return which entries of the old parameter along `dim` stay, `[size]`."""
    index = item.source[dim] if item.source else slice(None)
    return torch.arange(item.old.shape[dim])[index] if isinstance(index, slice) else index.flatten().cpu()

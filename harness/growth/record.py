"""What an operation did to a network, said once, for everyone who must follow."""

from collections.abc import Iterable
from dataclasses import dataclass

from torch import nn

__all__ = ["Carried", "Growth"]


@dataclass(frozen=True)
class Carried:
    """`old`, whole, became `new[region]`."""

    old: nn.Parameter
    new: nn.Parameter
    region: tuple[slice, ...]


@dataclass(frozen=True)
class Growth:
    """The record of one growth, made by its operation.

    Attributes:
        born: parameters without a past.
        carried: parameters that hold an older one in a region of theirs.
        gone: parameters that are in the network no more, those that were carried over among them.
        outputs: names of outputs that the model returns from now on.
    """

    born: tuple[nn.Parameter, ...]
    carried: tuple[Carried, ...] = ()
    gone: tuple[nn.Parameter, ...] = ()
    outputs: tuple[str, ...] = ()

    @classmethod
    def between(
        cls,
        before: Iterable[nn.Parameter],
        model: nn.Module,
        *,
        carried: tuple[Carried, ...] = (),
        outputs: tuple[str, ...] = (),
    ) -> "Growth":
        """Compare, by identity, the parameters `before` the operation with those of `model` after it."""
        old = {id(parameter): parameter for parameter in before}
        new = {id(parameter): parameter for parameter in model.parameters()}
        heirs = {id(item.new) for item in carried}
        born = tuple(parameter for key, parameter in new.items() if key not in old and key not in heirs)
        gone = tuple(parameter for key, parameter in old.items() if key not in new)
        return cls(born, carried, gone, outputs)

    @property
    def parameters_added(self) -> int:
        """How many numbers more the network has."""
        added = sum(parameter.numel() for parameter in (*self.born, *(item.new for item in self.carried)))
        return added - sum(parameter.numel() for parameter in self.gone)

"""What an operation did to a network, said once, for everyone who must follow."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from torch import nn

__all__ = ["Carried", "Columns", "Growth", "Moments", "Promise"]

Moments = Literal["zero", "mean", "reset"]
Columns = tuple[int | None, ...]


class Promise(Enum):
    """What an operation promises about what the network computed before: outputs, and columns of outputs, that remain.

    `EXACT`: equal to the bit. `CLOSE`: equal but for rounding. `NONE`: nothing.
    """

    EXACT = "exact"
    CLOSE = "close"
    NONE = "none"


@dataclass(frozen=True)
class Carried:
    """`old`, whole, became `new[region]`.

    Attributes:
        moments: what the optimizer remembers of the rest of `new`: `zero` (with the step count of the old ones, which
            for Adam means a learning rate up to six times as high), the `mean` of the old ones over the first
            dimension (of sizes; of directions, zero), or nothing at all, of the old ones neither (`reset`).
    """

    old: nn.Parameter
    new: nn.Parameter
    region: tuple[slice, ...]
    moments: Moments = "zero"


@dataclass(frozen=True)
class Growth:
    """The record of one growth, made by its operation.

    Attributes:
        born: parameters without a past.
        carried: parameters that hold an older one in a region of theirs.
        gone: parameters that are in the network no more, those that were carried over among them.
        outputs: names of outputs that the model returns from now on.
        columns: for each output whose columns changed, by name (the module path of the layer that computes it): the old
            column that each new column comes from, or None if it is new. Class weights and label maps follow it.
    """

    born: tuple[nn.Parameter, ...]
    carried: tuple[Carried, ...] = ()
    gone: tuple[nn.Parameter, ...] = ()
    outputs: tuple[str, ...] = ()
    columns: Mapping[str, Columns] = field(default_factory=dict)

    @classmethod
    def between(
        cls,
        before: Iterable[nn.Parameter],
        model: nn.Module,
        *,
        carried: tuple[Carried, ...] = (),
        outputs: tuple[str, ...] = (),
        columns: Mapping[str, Columns] | None = None,
    ) -> "Growth":
        """Compare, by identity, the parameters `before` the operation with those of `model` after it."""
        old = {id(parameter): parameter for parameter in before}
        new = {id(parameter): parameter for parameter in model.parameters()}
        heirs = {id(item.new) for item in carried}
        born = tuple(parameter for key, parameter in new.items() if key not in old and key not in heirs)
        gone = tuple(parameter for key, parameter in old.items() if key not in new)
        return cls(born, carried, gone, outputs, columns or {})

    @property
    def parameters_added(self) -> int:
        """How many numbers more the network has."""
        added = sum(parameter.numel() for parameter in (*self.born, *(item.new for item in self.carried)))
        return added - sum(parameter.numel() for parameter in self.gone)

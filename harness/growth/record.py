"""The record of what an operation did to a network, from which optimizer, freezing and label maps follow."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from torch import Tensor, nn

from harness.core.spec import LeafSpec

__all__ = ["Carried", "Columns", "Copied", "Growth", "Moments", "Promise"]

Moments = Literal["zero", "mean", "reset"]
Columns = tuple[int | None, ...]


class Promise(Enum):
    """What an operation promises about earlier outputs, and columns of outputs, that the network still has.

    `EXACT`: equal to the bit. `CLOSE`: equal but for rounding. `NONE`: nothing.
    """

    EXACT = "exact"
    CLOSE = "close"
    NONE = "none"


@dataclass(frozen=True)
class Carried:
    """All of `old`, or its entries at `source`, became `new[region]`.

    Attributes:
        region: an index of `new`: where the old entries lie. Slices where they come first, indices where new ones lie
            between them; for indices of several dimensions, such that they are broadcast against each other.
        moments: the optimizer's moments of the rest of `new`. `zero`: zeros, with the old step count, which for Adam
            means a learning rate up to six times as high. `mean`: the mean of the old ones over the units for second
            moments, zeros for first moments. `reset`: the old entries lose their moments as well.
        units: the dimension along which the units lie, of which there are more.
        source: an index of `old`: the entries that stay, where others leave; all of them by default.
    """

    old: nn.Parameter
    new: nn.Parameter
    region: tuple[slice | Tensor, ...]
    moments: Moments = "zero"
    units: int = 0
    source: tuple[slice | Tensor, ...] = ()


@dataclass(frozen=True)
class Copied:
    """`new` was born with the values of `old`, which stays: it joins the group of `old`, with a copy of its state."""

    old: nn.Parameter
    new: nn.Parameter


@dataclass(frozen=True)
class Growth:
    """The record of one growth, made by its operation.

    Attributes:
        born: new parameters; they do not hold the values of one that is gone.
        carried: new parameters that hold an old one in a region.
        gone: parameters that the network no longer has, including those that were carried over.
        outputs: names of outputs that the model returns from now on.
        columns: for each output whose columns changed, by the module path of the layer that computes it: the old column
            that each new column comes from, or None if it is new. Class weights and label maps follow it.
        copied: those of `born` that go on as the parameter that they are a copy of.
        extends: for those of `born` that lie beside an old parameter, or in its place, the old one. They take the
            settings of its group.
        chosen: the operation with all that it has chosen by looking at values, such as which units leave; None if it
            has chosen nothing. Whoever repeats the growth, such as an average of the weights, does what was chosen.
    """

    born: tuple[nn.Parameter, ...]
    carried: tuple[Carried, ...] = ()
    gone: tuple[nn.Parameter, ...] = ()
    outputs: tuple[str, ...] = ()
    columns: Mapping[str, Columns] = field(default_factory=dict)
    copied: tuple[Copied, ...] = ()
    extends: Mapping[nn.Parameter, nn.Parameter] = field(default_factory=dict)
    chosen: LeafSpec | None = None

    @classmethod
    def between(
        cls,
        before: Iterable[nn.Parameter],
        model: nn.Module,
        *,
        carried: tuple[Carried, ...] = (),
        outputs: tuple[str, ...] = (),
        columns: Mapping[str, Columns] | None = None,
        copied: tuple[Copied, ...] = (),
        extends: Mapping[nn.Parameter, nn.Parameter] | None = None,
        chosen: LeafSpec | None = None,
    ) -> "Growth":
        """Compare, by identity, the parameters `before` the operation with those of `model` after it."""
        old = {id(parameter): parameter for parameter in before}
        new = {id(parameter): parameter for parameter in model.parameters()}
        heirs = {id(item.new) for item in carried}
        born = tuple(parameter for key, parameter in new.items() if key not in old and key not in heirs)
        gone = tuple(parameter for key, parameter in old.items() if key not in new)
        return cls(born, carried, gone, outputs, columns or {}, copied, extends or {}, chosen)

    @property
    def parameters_added(self) -> int:
        """The change in the number of the network's parameter values."""
        added = sum(parameter.numel() for parameter in (*self.born, *(item.new for item in self.carried)))
        return added - sum(parameter.numel() for parameter in self.gone)

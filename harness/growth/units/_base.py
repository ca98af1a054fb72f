"""How new units get their values."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from harness.core.spec import LeafSpec
from harness.growth.record import Promise
from harness.initializers import AbstractInitializer, LayerContext

__all__ = ["AbstractUnits", "NewUnits", "Surroundings", "drawn_columns", "drawn_rows"]


@dataclass(frozen=True)
class Surroundings:
    """The weights around the U units that a layer has. Tensors are float64 on the CPU, which rounds no narrower type.

    Attributes:
        incoming: `[U, in, ...]`, the layer's weight.
        bias: `[U]`, or None.
        outgoing: `[out, U, K]` for each layer that reads the units: the K weights from a unit to each output.
        gradients: called with the name of an output or None, returns `[out, K, M]` for each layer that reads the units:
            the gradient of the loss with respect to a linear path from each of the M inputs of a new unit.
        rows: how many outputs of the layer a unit is, as those of an attention head. If there are several, `incoming`
            is `[U, rows, in, ...]`, `bias` is `[U, rows]`, and so are those of new units.
    """

    incoming: Tensor
    bias: Tensor | None
    outgoing: tuple[Tensor, ...]
    gradients: Callable[[str | None], tuple[Tensor, ...]]
    rows: int = 1

    def no_bias(self, count: int) -> Tensor | None:
        """Return biases of zero for `count` new units, if the layer has any."""
        return None if self.bias is None else self.bias.new_zeros((count, *self.bias.shape[1:]))


@dataclass(frozen=True)
class NewUnits:
    """The weights around N new units.

    Attributes:
        incoming: `[N, in, ...]`.
        bias: `[N]`, or None.
        outgoing: `[out, U + N, K]` for each layer that reads the units; those of the old units come first.
        originals: for each new unit the old unit that it copies, whose entries in norms it gets; None without copies.
    """

    incoming: Tensor
    bias: Tensor | None
    outgoing: tuple[Tensor, ...]
    originals: tuple[int, ...] | None = None


class AbstractUnits(LeafSpec):
    """A way to give values to new units: they should change the network little, and be able to learn."""

    @abstractmethod
    def units(self, around: Surroundings, added: int, generator: torch.Generator) -> NewUnits:
        """Return the weights around `added` new units.

        Raises:
            SpecError: the number of units is impossible, or the probe lacks what the weights are computed from.
        """

    @abstractmethod
    def promise(self) -> Promise:
        """Return what these settings promise about the network's outputs in eval mode."""

    @property
    def reads_loss(self) -> bool:
        """Whether values follow from the loss of the probe; not by default."""
        return False


def drawn_rows(around: Surroundings, count: int, init: AbstractInitializer, generator: torch.Generator) -> Tensor:
    """Return `count` new rows `[count, in, ...]` for the layer."""
    old = around.incoming if around.rows == 1 else around.incoming.flatten(0, 1)
    context = LayerContext(fan_in=old[0].numel(), fan_out=len(old) * old[0, 0].numel(), old=old.float())
    new = init.values((count * around.rows, *old.shape[1:]), context, generator).double()
    return new if around.rows == 1 else new.unflatten(0, (count, around.rows))


def drawn_columns(
    around: Surroundings, count: int, init: AbstractInitializer, generator: torch.Generator
) -> tuple[Tensor, ...]:
    """Return weights `[out, count, K]` from `count` new units, for each layer that reads them."""
    new = []
    for old in around.outgoing:
        rows, units, block = old.shape
        context = LayerContext(fan_in=(units + count) * block, fan_out=rows)
        new.append(init.values((rows, count * block), context, generator).double().reshape(rows, count, block))
    return tuple(new)

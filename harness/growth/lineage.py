"""Lineage: the growths applied so far, as specs, from which a grown network's shape is rebuilt."""

from collections.abc import Callable

import torch
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat

from harness.core.spec import Spec
from harness.growth.freezing import AbstractFreezePolicy
from harness.growth.identities import Identities
from harness.growth.operations import AbstractOperation
from harness.growth.probe import Probe
from harness.models import GrowableModel

__all__ = ["Change", "GrowthEvent", "replay"]


class Change(Spec):
    """What happens at a growth, whenever it happens.

    Attributes:
        operation: what changes.
        freeze: what stays fixed afterwards.
        loss_weight: the weight of the loss components that the growth brings.
        lr_factor: learning rate of the new parameters, in units of the old ones'.
        warm_up: steps in which the new parameters' learning rate rises to its value.
        weight_decay: of the new parameters; that of the old ones unless given.
    """

    operation: AbstractOperation
    freeze: AbstractFreezePolicy
    loss_weight: NonNegativeFloat = 1.0
    lr_factor: PositiveFloat = 1.0
    warm_up: NonNegativeInt = 0
    weight_decay: NonNegativeFloat | None = None

    def group(self) -> dict[str, float]:
        """Return the hyperparameters that the new parameters' optimizer group has of its own."""
        decay = {} if self.weight_decay is None else {"weight_decay": self.weight_decay}
        return {"warm_up": self.warm_up, **decay}


class GrowthEvent(Spec):
    """A growth that happened, after `step` optimizer updates."""

    step: NonNegativeInt
    change: Change


def replay(
    model: GrowableModel, lineage: tuple[GrowthEvent, ...], *, probe: Callable[[Change], Probe]
) -> tuple[Identities, dict[str, float]]:
    """Give a freshly built `model` the shape that `lineage` led to; values are to be loaded afterwards.

    `probe` gives what each operation may look at; one that computes values from examples needs them here, too.

    Returns:
        The ids of all its tensors, and the weights of the loss components that growths brought.
    """
    identities = Identities(model)
    loss_weights: dict[str, float] = {}
    for birth, event in enumerate(lineage, start=1):
        growth = event.change.operation.apply(model, probe=probe(event.change), generator=torch.Generator())
        identities.register(model, birth=birth)
        loss_weights |= dict.fromkeys(growth.outputs, event.change.loss_weight)
    return identities, loss_weights

"""The states that losses keep between steps, and how they follow a growth."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from harness.growth.identities import Identities
from harness.growth.record import Carried, Growth
from harness.losses import AbstractLoss, LossState
from harness.models import GrowableModel

__all__ = ["LossStates", "begun", "carried_over", "learnable"]

LossStates = Mapping[str, LossState]  # by the name of the loss in the configuration
VALUES = "anchor"  # the name of what are values of parameters


def learnable(model: GrowableModel, identities: Identities) -> dict[str, nn.Parameter]:
    """Return the parameters of the network that may ever be trained, by stable id, frozen or not."""
    weights_of_losses = {id(tensor) for tensor in model.log_variances.values()}
    return {
        name: parameter
        for name, parameter in identities.parameters().items()
        if identities[name].trainable and id(parameter) not in weights_of_losses
    }


def begun(
    states: LossStates, losses: Mapping[str, AbstractLoss], parameters: Mapping[str, Tensor]
) -> dict[str, LossState]:
    """Return the states of `losses` with which a stage begins, or goes on."""
    keepers = {name: loss for name, loss in losses.items() if loss.keeps_state}
    values = {key: tensor.detach().clone() for key, tensor in parameters.items()} if keepers else {}
    return {name: loss.begin(states.get(name, {}), values) for name, loss in keepers.items()}


@dataclass(frozen=True)
class _Origin:
    """Where the state of a parameter comes from: the id that it had, and how it has grown, if it has."""

    name: str
    item: Carried | None = None


def carried_over(
    states: LossStates, before: Mapping[str, nn.Parameter], growth: Growth, after: Mapping[str, nn.Parameter]
) -> dict[str, LossState]:
    """Return `states` after `growth`, given the parameters before and after it by stable id.

    As in an optimizer: what stays keeps its state, what was carried over takes it along, a copy gets a copy, and what
    is gone is forgotten.
    """
    origins = _origins(before, growth, after) if states else {}
    return {
        name: {
            what: {
                key: _grown(tensors[origin.name], origin.item, values=what == VALUES)
                for key, origin in origins.items()
                if origin.name in tensors
            }
            for what, tensors in state.items()
        }
        for name, state in states.items()
    }


def _origins(
    before: Mapping[str, nn.Parameter], growth: Growth, after: Mapping[str, nn.Parameter]
) -> dict[str, _Origin]:
    names = {id(parameter): name for name, parameter in before.items()}
    found = {id(parameter): _Origin(name) for name, parameter in before.items()}
    found |= {id(item.new): _Origin(names[id(item.old)], item) for item in growth.carried if id(item.old) in names}
    found |= {id(twin.new): _Origin(names[id(twin.old)]) for twin in growth.copied if id(twin.old) in names}
    return {key: found[id(parameter)] for key, parameter in after.items() if id(parameter) in found}


def _grown(tensor: Tensor, item: Carried | None, *, values: bool) -> Tensor:
    """Return the state of what `item` carried over; `values` move along with those of the parameter."""
    if item is None:
        return tensor
    with torch.no_grad():
        grown = item.new.detach().clone() if values else torch.zeros_like(item.new, requires_grad=False)
        stays = tensor[item.source]
        grown[item.region] = stays + (item.new[item.region] - item.old[item.source]) if values else stays
    return grown

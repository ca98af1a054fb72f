"""Optimizer surgery: after a growth the optimizers hold the new parameters, and keep the state of the old ones."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn
from torch.optim import Optimizer

from harness.core.errors import SurgeryError
from harness.growth.record import Copied, Growth
from harness.growth.surgery.carry import carry
from harness.growth.surgery.groups import AddedGroup, Home, NewSettings, add_groups, homes
from harness.growth.surgery.trial import parameter_holder
from harness.growth.surgery.wrapped import bare, states

__all__ = ["operate"]


def operate(
    optimizers: Optimizer | Sequence[Optimizer],
    growth: Growth,
    *,
    step: int,
    lr_factor: float = 1.0,
    group: Mapping[str, Any] | None = None,
    like: Home | None = None,
) -> list[AddedGroup]:
    """Let `optimizers` follow `growth`.

    A parameter that was carried over replaces the old one in its group and takes its state. New parameters get a group
    of their own, with the settings of the group `like`, or else of the one that holds what they extend, or else of the
    largest; with `lr_factor` times its learning rate, those in `group`, and no state, unless they go on as the
    parameter that they are a copy of. Removed parameters are dropped. The state of all others does not change.

    Raises:
        SurgeryError: an optimizer cannot follow.
    """
    every = bare(optimizers)
    _check_followable(every, growth)
    held = {id(parameter): home for home in homes(every) for parameter in home.group["params"]}
    for item in growth.carried:
        if id(item.old) in held:
            carry(held[id(item.old)].optimizer, item)
            held[id(item.new)] = held[id(item.old)]
    for twin in growth.copied:
        if id(twin.old) in held:
            _join(held[id(twin.old)], twin)
    for optimizer in every:
        _drop(optimizer, growth.gone)
    joined = {id(twin.new) for twin in growth.copied}
    extended = {id(new): held.get(id(old)) for new, old in growth.extends.items()}
    born = [parameter for parameter in growth.born if parameter.requires_grad and id(parameter) not in joined]
    new = NewSettings(step, lr_factor, group or {})
    return add_groups(every, {parameter: like or extended.get(id(parameter)) for parameter in born}, new)


def _check_followable(optimizers: Sequence[Optimizer], growth: Growth) -> None:
    if not (growth.born or growth.carried or growth.gone):
        return
    for optimizer in optimizers:
        if holder := parameter_holder(optimizer):
            raise SurgeryError(
                f"expected an optimizer that remembers per parameter, found {type(optimizer).__name__}, which keeps "
                f"parameters in its {holder!r}; use SGD or AdamW"
            )


def _join(home: Home, twin: Copied) -> None:
    """Put `twin.new` behind `twin.old` in its group, with a copy of its state."""
    home.group["params"] = [*home.group["params"], twin.new]
    for state in states(home.optimizer):
        if twin.old in state:
            state[twin.new] = {key: copy.deepcopy(value) for key, value in state[twin.old].items()}


def _drop(optimizer: Optimizer, gone: Sequence[nn.Parameter]) -> None:
    forgotten = {id(parameter) for parameter in gone}
    for group in optimizer.param_groups:
        group["params"] = [parameter for parameter in group["params"] if id(parameter) not in forgotten]
    for state in states(optimizer):
        for parameter in gone:
            state.pop(parameter, None)

"""Optimizer surgery: after a growth, the optimizer knows the new network and has forgotten nothing of the old."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from harness.core.errors import SurgeryError
from harness.growth.record import Carried, Growth

__all__ = ["check_coverage", "operate"]


def operate(optimizer: Optimizer, growth: Growth, *, step: int, lr_factor: float) -> None:
    """Let `optimizer` follow `growth`.

    Parameters that were carried over take their old one's place and moments. What is born gets a group of its own,
    with the hyperparameters of the first group and `lr_factor` times its learning rate, and no moments. What is gone
    is forgotten. Moments of everything else are not touched.
    """
    for item in growth.carried:
        _carry(optimizer, item)
    gone = {id(parameter) for parameter in growth.gone}
    for group in optimizer.param_groups:
        group["params"] = [parameter for parameter in group["params"] if id(parameter) not in gone]
    for parameter in growth.gone:
        optimizer.state.pop(parameter, None)
    if growth.born:
        first = {key: value for key, value in optimizer.param_groups[0].items() if key != "params"}
        base_lr = first["base_lr"] * lr_factor
        own = {"params": list(growth.born), "lr": base_lr, "base_lr": base_lr, "born": step}
        optimizer.add_param_group({**first, **own})


def _carry(optimizer: Optimizer, item: Carried) -> None:
    for group in optimizer.param_groups:
        group["params"] = [item.new if parameter is item.old else parameter for parameter in group["params"]]
    state = optimizer.state.pop(item.old, None)
    if state is not None:
        optimizer.state[item.new] = {key: _carried_value(value, item) for key, value in state.items()}


def _carried_value(value: Any, item: Carried) -> Any:
    if not isinstance(value, Tensor) or value.shape != item.old.shape:
        return value
    grown = torch.zeros_like(item.new, dtype=value.dtype)
    grown[item.region] = value
    return grown


def check_coverage(model: nn.Module, optimizer: Optimizer) -> None:
    """Check by identity that every trainable parameter is in one group, and that nothing else holds a gradient.

    Raises:
        SurgeryError: a parameter is in no group or in two, a group holds one that the model has not, or a frozen
            parameter has a gradient; the message names it.
    """
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    held = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    times = {key: sum(1 for parameter in held if id(parameter) == key) for key in names}
    for parameter in model.parameters():
        name, count = names[id(parameter)], times[id(parameter)]
        if parameter.requires_grad and count != 1:
            raise SurgeryError(f"expected {name!r} in one optimizer group, found it in {count}")
        if not parameter.requires_grad and parameter.grad is not None:
            raise SurgeryError(f"expected no gradient on the frozen {name!r}, found one")
    orphans = [tuple(parameter.shape) for parameter in held if id(parameter) not in names]
    if orphans:
        raise SurgeryError(f"expected only the model's parameters in the optimizer, found others of shape {orphans}")

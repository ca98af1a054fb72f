"""Optimizer surgery: after a growth the optimizer holds the new parameters, and keeps the moments of the old ones."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from harness.core.errors import SurgeryError
from harness.growth.record import Carried, Copied, Growth

__all__ = ["check_coverage", "check_supported", "operate", "scale_rates"]

FIRST_MOMENTS = ("exp_avg", "grad_avg", "momentum_buffer", "mu")  # directions, in which a new row has not moved


def check_supported(optimizer: Optimizer) -> None:
    """Check that the state of `optimizer` can be carried over.

    Raises:
        SurgeryError: its state of a parameter is neither a number nor of the parameter's shape.
    """
    name = type(optimizer).__name__
    if isinstance(optimizer, torch.optim.LBFGS):
        raise SurgeryError("expected an optimizer that remembers per parameter, found LBFGS; use SGD or Adam")
    for parameter, state in optimizer.state.items():
        for key, value in state.items():
            if isinstance(value, Tensor) and value.numel() != 1 and value.shape != parameter.shape:
                raise SurgeryError(
                    f"expected {name}'s {key!r} to have its parameter's shape {tuple(parameter.shape)}, found "
                    f"{tuple(value.shape)}; growth cannot carry it over: use SGD, Adam, AdamW, RMSprop or Adagrad"
                )


def operate(
    optimizer: Optimizer, growth: Growth, *, step: int, lr_factor: float = 1.0, group: dict[str, Any] | None = None
) -> None:
    """Let `optimizer` follow `growth`.

    A parameter that was carried over replaces the old one in its group and takes its moments. New parameters get their
    own group, with the hyperparameters of the first group, `lr_factor` times its learning rate, those in `group`,
    and no moments, unless they go on as the parameter that they are a copy of. Removed parameters are dropped. The
    moments of all others do not change.
    """
    for item in growth.carried:
        _carry(optimizer, item)
    for twin in growth.copied:
        _join(optimizer, twin)
    gone = {id(parameter) for parameter in growth.gone}
    for existing in optimizer.param_groups:
        existing["params"] = [parameter for parameter in existing["params"] if id(parameter) not in gone]
    for parameter in growth.gone:
        optimizer.state.pop(parameter, None)
    joined = {id(twin.new) for twin in growth.copied}
    trainable = [parameter for parameter in growth.born if parameter.requires_grad and id(parameter) not in joined]
    if trainable:
        _add_group(optimizer, trainable, step, lr_factor, group or {})


def _add_group(
    optimizer: Optimizer, parameters: list[nn.Parameter], step: int, lr_factor: float, group: dict[str, Any]
) -> None:
    first = {key: value for key, value in optimizer.param_groups[0].items() if key != "params"}
    rates: dict[str, Any] = {key: first[key] * lr_factor for key in ("lr", "base_lr", "initial_lr") if key in first}
    if "base_lr" in rates:
        rates |= {"lr": rates["base_lr"], "lr_scale": 1.0}
    optimizer.add_param_group({**first, **rates, "born": step, **group, "params": parameters})
    if isinstance(optimizer, torch.optim.Adagrad):
        _begin_adagrad(optimizer, parameters)


def _begin_adagrad(optimizer: torch.optim.Adagrad, parameters: list[nn.Parameter]) -> None:
    """Make the sums of squares, which this optimizer makes when it is built and not at its first step."""
    for parameter in parameters:
        total = torch.full_like(parameter, optimizer.defaults["initial_accumulator_value"])
        optimizer.state[parameter] = {"step": torch.tensor(0.0), "sum": total.detach()}


def _carry(optimizer: Optimizer, item: Carried) -> None:
    for group in optimizer.param_groups:
        group["params"] = [item.new if parameter is item.old else parameter for parameter in group["params"]]
    state = optimizer.state.pop(item.old, None)
    if state is not None and item.moments != "reset":
        optimizer.state[item.new] = {key: _carried_value(key, value, item) for key, value in state.items()}


def _join(optimizer: Optimizer, twin: Copied) -> None:
    """Put `twin.new` behind `twin.old` in its group, with a copy of its state."""
    for group in optimizer.param_groups:
        if any(parameter is twin.old for parameter in group["params"]):
            group["params"] = [*group["params"], twin.new]
    if twin.old in optimizer.state:
        optimizer.state[twin.new] = {key: copy.deepcopy(value) for key, value in optimizer.state[twin.old].items()}


def _carried_value(key: str, value: Any, item: Carried) -> Any:
    if not isinstance(value, Tensor) or value.shape != item.old.shape or not value.dim():
        return value
    grown = value.new_zeros(item.new.shape)
    if item.moments == "mean" and key not in FIRST_MOMENTS:
        # The mean of each column over the old rows; entries of new columns have no such mean, and get zeros.
        rows = tuple(slice(None) if dim == item.units else _flat(part) for dim, part in enumerate(item.region))
        grown[rows] = value.mean(dim=item.units, keepdim=True).expand_as(grown[rows])
    grown[item.region] = value
    return grown


def _flat(part: slice | Tensor) -> slice | Tensor:
    return part if isinstance(part, slice) else part.flatten()


def scale_rates(optimizer: Optimizer, factors: Mapping[nn.Parameter, float]) -> None:
    """Let each parameter learn at its group's rate times its factor, which is 1 if it is not named.

    A group whose parameters have different factors is divided. The factor becomes the group's `lr_scale`.
    """
    for group in list(optimizer.param_groups):
        by_factor: dict[float, list[nn.Parameter]] = {}
        for parameter in group["params"]:
            by_factor.setdefault(factors.get(parameter, 1.0), []).append(parameter)
        settings = {key: value for key, value in group.items() if key != "params"}
        for index, (factor, parameters) in enumerate(by_factor.items()):
            part = {**settings, "params": parameters, "lr_scale": factor}
            if index == 0:
                group.update(part)
            else:
                optimizer.param_groups.append(part)


def check_coverage(model: nn.Module, optimizer: Optimizer) -> None:
    """Check by identity that every trainable parameter is in one group, and that no frozen one has a gradient.

    Raises:
        SurgeryError: a parameter is in no group or in two, a group holds one that is not the model's, or a frozen
            parameter has a gradient; the message names it.
    """
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    held = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    times: dict[int, int] = {}
    for parameter in held:
        times[id(parameter)] = times.get(id(parameter), 0) + 1
    for parameter in model.parameters():
        name, count = names[id(parameter)], times.get(id(parameter), 0)
        if parameter.requires_grad and count != 1:
            raise SurgeryError(f"expected {name!r} in one optimizer group, found it in {count}")
        if not parameter.requires_grad and parameter.grad is not None:
            raise SurgeryError(f"expected no gradient on the frozen {name!r}, found one")
    orphans = [tuple(parameter.shape) for parameter in held if id(parameter) not in names]
    if orphans:
        raise SurgeryError(f"expected only the model's parameters in the optimizer, found others of shape {orphans}")

"""One parameter in an optimizer in place of several, whose rows lie one after another in it."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from harness.core.errors import SurgeryError

__all__ = ["merge"]

# By moment, the index of its decay rate in `betas`: Adam divides these by 1 - beta ** step.
DEBIASED = {"exp_avg": 0, "exp_avg_sq": 1, "max_exp_avg_sq": 1}
TIMELESS = ("acc_delta", "exp_inf", "grad_avg", "momentum_buffer", "prev", "square_avg", "step_size", "sum")


def merge(optimizer: Optimizer, old: Sequence[nn.Parameter], new: nn.Parameter, name: str) -> None:
    """Put `new` in the place and group of the first of `old`, with the moments of all of them.

    Parameters that took fewer steps have moments that Adam corrects by more. Those are scaled, so that the corrected
    ones stay the same with the step count of the parameter that took most.

    Args:
        optimizer: holds all of `old`, or none.
        old: their rows, one after another, are those of `new`.
        new: takes the settings of the group that holds the first of `old`.
        name: of `new`, as in `named_parameters`.

    Raises:
        SurgeryError: it cannot be told which moments the merged parameter should have.
    """
    groups = [_group_of(optimizer, parameter) for parameter in old]
    first = groups[0]
    if first is None or any(group is None for group in groups):
        if any(group is not None for group in groups):
            raise SurgeryError(f"expected all parts of {name!r} in one optimizer, found some in none or in another")
        return
    state = _merged_state(optimizer, [group or {} for group in groups], old, name)
    for parameter in old[1:]:
        _drop(optimizer, parameter)
    _replace(first, old[0], new, name)
    optimizer.state.pop(old[0], None)
    if state:
        optimizer.state[new] = state


def _group_of(optimizer: Optimizer, parameter: nn.Parameter) -> dict[str, Any] | None:
    return next((g for g in optimizer.param_groups if any(held is parameter for held in g["params"])), None)


def _merged_state(
    optimizer: Optimizer, groups: list[dict[str, Any]], old: Sequence[nn.Parameter], name: str
) -> dict[str, Any]:
    states = [_remembered(optimizer, parameter) for parameter in old]
    if not any(states):
        return {}
    if not all(states) or len({frozenset(state) for state in states}) > 1:
        raise SurgeryError(
            f"expected {type(optimizer).__name__} to remember as much of each part of {name!r}, found one that was "
            "never moved; make a step first, or consolidate for export: consolidate(model)"
        )
    merged: dict[str, Any] = {}
    for key in states[0]:
        values = [state[key] for state in states]
        if key == "step":
            merged[key] = max(values, key=float)
        elif all(_is_moment(value, parameter) for value, parameter in zip(values, old, strict=True)):
            merged[key] = torch.cat(_scaled(key, values, states, groups, name))
        elif all(_same(values[0], value) for value in values):
            merged[key] = values[0]
        else:
            raise _refusal(name, key)
    return merged


def _remembered(optimizer: Optimizer, parameter: nn.Parameter) -> dict[str, Any]:
    # Not `optimizer.state[parameter]`, which would add an entry.
    return {key: value for key, value in optimizer.state.get(parameter, {}).items() if value is not None}


def _is_moment(value: Any, parameter: nn.Parameter) -> bool:
    return isinstance(value, Tensor) and value.shape == parameter.shape


def _scaled(
    key: str, values: list[Tensor], states: list[dict[str, Any]], groups: list[dict[str, Any]], name: str
) -> list[Tensor]:
    """Return the moments `values` as they would be after as many steps as the oldest part took."""
    ages = [_age(state, group) for state, group in zip(states, groups, strict=True)]
    if len(set(ages)) == 1 or (key in TIMELESS and not any(group.get("lr_decay") for group in groups)):
        return values
    if key not in DEBIASED or "betas" not in groups[0]:
        raise _refusal(name, key)
    decays = [float(group["betas"][DEBIASED[key]]) for group in groups]
    oldest = max(range(len(ages)), key=ages.__getitem__)
    corrections = [1 - decay**age for decay, age in zip(decays, ages, strict=True)]
    return [
        value if age == ages[oldest] else value * (corrections[oldest] / correction)
        for value, age, correction in zip(values, ages, corrections, strict=True)
    ]


def _age(state: dict[str, Any], group: dict[str, Any]) -> float:
    """Return how often a parameter was moved; some optimizers count that in its group."""
    return float(state.get("step", group.get("step", group.get("k", 0))))


def _same(value: Any, other: Any) -> bool:
    if isinstance(value, Tensor) and isinstance(other, Tensor):
        return value.shape == other.shape and torch.equal(value, other)
    return type(value) is type(other) and bool(value == other)


def _refusal(name: str, key: str) -> SurgeryError:
    return SurgeryError(
        f"expected moments that can lie side by side, found {key!r} of {name!r}, whose parts took different numbers of "
        "steps; consolidate for export: consolidate(model), or use SGD, Adam, AdamW, RMSprop or Adagrad"
    )


def _drop(optimizer: Optimizer, parameter: nn.Parameter) -> None:
    """Take `parameter` out; its group stays, even if it is empty, since schedulers count groups."""
    for group in optimizer.param_groups:
        kept = [index for index, held in enumerate(group["params"]) if held is not parameter]
        for key in ("params", "param_names"):
            if key in group:
                group[key] = [group[key][index] for index in kept]
    optimizer.state.pop(parameter, None)


def _replace(group: dict[str, Any], old: nn.Parameter, new: nn.Parameter, name: str) -> None:
    index = next(index for index, held in enumerate(group["params"]) if held is old)
    group["params"] = [*group["params"][:index], new, *group["params"][index + 1 :]]
    if "param_names" in group:
        group["param_names"] = [*group["param_names"][:index], name, *group["param_names"][index + 1 :]]

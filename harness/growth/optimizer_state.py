"""Optimizers, schedulers and loss scalers as JSON and tensors, and fresh ones that take that over, to the bit.

A growth adds groups to an optimizer, and functions to a scheduler that has one a group; fresh ones get as many before
their own `load_state_dict` is called.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from harness.core.errors import SnapshotError, SurgeryError
from harness.growth.tree import from_tree, to_tree

__all__ = [
    "group_names",
    "load_optimizer",
    "load_scheduler",
    "optimizer_tree",
    "regroup",
    "repeat_functions",
    "scheduler_functions",
    "scheduler_tree",
]


def group_names(model: nn.Module, optimizer: Optimizer) -> list[list[str]]:
    """Return the names of the parameters in each group of `optimizer`.

    Raises:
        SurgeryError: it holds a parameter that is not the model's.
    """
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    held = [[id(parameter) for parameter in group["params"]] for group in optimizer.param_groups]
    if any(key not in names for keys in held for key in keys):
        raise SurgeryError(
            f"expected only the model's parameters in {type(optimizer).__name__}, found others; put all that it trains "
            "into one module, and save that"
        )
    return [[names[key] for key in keys] for keys in held]


def regroup(model: nn.Module, optimizer: Optimizer, names: Sequence[Sequence[str]]) -> None:
    """Give `optimizer` groups with the parameters of `names`; their settings must be loaded afterwards.

    A group that it had keeps its settings, and a new one takes those of the last.
    """
    parameters = dict(model.named_parameters())
    groups = optimizer.param_groups
    settings = [
        {key: value for key, value in group.items() if key not in ("params", "param_names")} for group in groups
    ]
    named = "param_names" in groups[0]
    groups[:] = [
        {
            **settings[min(index, len(settings) - 1)],
            "params": [parameters[name] for name in group],
            **({"param_names": list(group)} if named else {}),
        }
        for index, group in enumerate(names)
    ]
    optimizer.state.clear()


def optimizer_tree(model: nn.Module, optimizer: Optimizer, tensors: dict[str, Tensor], name: str) -> dict[str, Any]:
    """Return JSON for `optimizer`, and put its tensors into `tensors` under names that begin with `name`."""
    return {
        "class": type(optimizer).__name__,
        "groups": group_names(model, optimizer),
        "state": to_tree(optimizer.state_dict(), tensors, name),
    }


def load_optimizer(
    model: nn.Module, optimizer: Optimizer, content: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> None:
    """Let a fresh `optimizer` be what the one was that `optimizer_tree` was told of.

    Raises:
        SnapshotError: it is of another class.
    """
    _check_class(optimizer, content)
    regroup(model, optimizer, content["groups"])
    state = from_tree(content["state"], tensors)
    optimizer.load_state_dict(state)
    _restore_types(optimizer, state)


def _restore_types(optimizer: Optimizer, state: Mapping[str, Any]) -> None:
    """Give moments the types they were saved with: torch has just given them those of their parameters."""
    held = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for index, saved in state.get("state", {}).items():
        own = optimizer.state.get(held[index], {}) if isinstance(index, int) and index < len(held) else {}
        for key, value in saved.items() if isinstance(saved, Mapping) else ():
            if isinstance(value, Tensor) and isinstance(own.get(key), Tensor) and own[key].dtype != value.dtype:
                own[key] = value.to(own[key].device, copy=True)


def scheduler_tree(scheduler: Any, tensors: dict[str, Tensor], name: str) -> dict[str, Any]:
    """Return JSON for `scheduler`, or for a loss scaler."""
    return {
        "class": type(scheduler).__name__,
        "functions": scheduler_functions(scheduler),
        "state": to_tree(scheduler.state_dict(), tensors, name),
    }


def load_scheduler(scheduler: Any, content: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Let a fresh `scheduler` be what the one was that `scheduler_tree` was told of.

    Raises:
        SnapshotError: it is of another class, or has fewer functions.
    """
    _check_class(scheduler, content)
    repeat_functions(scheduler, content["functions"])
    scheduler.load_state_dict(from_tree(content["state"], tensors))


def _check_class(value: Any, content: Mapping[str, Any]) -> None:
    if type(value).__name__ != content["class"]:
        raise SnapshotError(f"expected {content['class']}, which was saved, found {type(value).__name__}; build that")


def _parts(scheduler: Any) -> list[Any]:
    """Return the schedulers that one that combines others holds."""
    return list(getattr(scheduler, "_schedulers", ()))


def scheduler_functions(scheduler: Any) -> list[Any]:
    """Return, for each group, which function of a `LambdaLR` it has: the index of the first group with the same one."""
    functions = list(getattr(scheduler, "lr_lambdas", ()))
    first = [next(index for index, other in enumerate(functions) if other is function) for function in functions]
    return [first, [scheduler_functions(part) for part in _parts(scheduler)]]


def repeat_functions(scheduler: Any, content: Sequence[Any]) -> None:
    """Give a fresh `scheduler` as many functions as the one had that `scheduler_functions` was told of.

    Raises:
        SnapshotError: it has fewer functions of its own.
    """
    own, wanted = list(getattr(scheduler, "lr_lambdas", ())), content[0]
    if wanted and max(wanted) >= len(own):
        raise SnapshotError(f"expected {max(wanted) + 1} functions of a LambdaLR, found {len(own)}; build it as it was")
    if wanted:
        scheduler.lr_lambdas = [own[index] for index in wanted]
    for part, inner in zip(_parts(scheduler), content[1], strict=True):
        repeat_functions(part, inner)

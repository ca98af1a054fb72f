"""All or nothing: a growth that fails leaves model, optimizer and random streams exactly as they were."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from harness.models.eval_mode import gpus_of

__all__ = ["all_or_nothing"]

OWN_TABLES = (dict, set, list)


@contextmanager
def all_or_nothing(model: nn.Module, optimizers: Optimizer | Sequence[Optimizer] = ()) -> Iterator[None]:
    """Restore model, optimizers and random streams if the block raises.

    It remembers which module holds which tensors, submodules, hooks and settings, and what optimizers hold. Tensors
    are not copied, since operations replace them and never change their values.
    """
    modules = [(module, _tables(module)) for module in model.modules()]
    flags = [(parameter, parameter.requires_grad, parameter.grad) for parameter in model.parameters()]
    held = [_contents(item) for item in ([optimizers] if isinstance(optimizers, Optimizer) else optimizers)]
    try:
        with torch.random.fork_rng(devices=gpus_of(model)):
            yield
    except BaseException:
        for module, tables in modules:
            module.__dict__.clear()
            module.__dict__.update(tables)
        for parameter, requires_grad, gradient in flags:
            parameter.requires_grad_(requires_grad)
            parameter.grad = gradient
        for optimizer, groups, state in held:
            optimizer.param_groups[:] = groups
            optimizer.state.clear()
            optimizer.state.update(state)
        raise


def _contents(optimizer: Optimizer) -> tuple[Optimizer, list[dict[str, Any]], dict[Any, Any]]:
    groups = [dict(group, params=list(group["params"])) for group in optimizer.param_groups]
    return optimizer, groups, dict(optimizer.state)


def _tables(module: nn.Module) -> dict[str, Any]:
    """Return a module's attributes, with copies of its own tables, such as its parameters by name."""
    return {name: value.copy() if isinstance(value, OWN_TABLES) else value for name, value in vars(module).items()}

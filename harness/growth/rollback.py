"""All or nothing: a growth that fails leaves model, optimizer and random streams exactly as they were."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn
from torch.optim import Optimizer

from harness.models.attributes import Table, put_back, remember_attributes, remember_tables
from harness.models.eval_mode import gpus_of

__all__ = ["all_or_nothing", "undone"]


class _UndoneError(Exception):
    """What was tried is to be undone."""


@contextmanager
def all_or_nothing(model: nn.Module, optimizers: Optimizer | Sequence[Optimizer] = ()) -> Iterator[None]:
    """Restore model, optimizers and random streams if the block raises.

    It remembers which module holds which tensors, submodules, hooks and settings, and what optimizers hold. Tensors
    are not copied, since operations replace them and never change their values. What is restored are the same objects:
    a handle still removes its hook, and a param group that somebody holds is still the optimizer's.
    """
    restore = remember_attributes(model)
    flags = [(parameter, parameter.requires_grad, parameter.grad) for parameter in model.parameters()]
    held = [optimizers] if isinstance(optimizers, Optimizer) else optimizers
    tables = [table for optimizer in held for table in _tables(optimizer)]
    try:
        with torch.random.fork_rng(devices=gpus_of(model)):
            yield
    except BaseException:
        restore()
        put_back(tables)
        for parameter, requires_grad, gradient in flags:
            parameter.requires_grad_(requires_grad)
            parameter.grad = gradient
        raise


@contextmanager
def undone(model: nn.Module) -> Iterator[None]:
    """Let the block try something, and restore `model` in any case."""
    try:
        with all_or_nothing(model):
            yield
            raise _UndoneError
    except _UndoneError:
        pass


def _tables(optimizer: Optimizer) -> list[Table]:
    """Return the tables in an optimizer, and in those that it wraps: attributes, groups, what is known by parameter."""
    found = remember_tables(vars(optimizer))
    for part in (*optimizer.param_groups, *optimizer.state.values()):
        found += remember_tables(part) if isinstance(part, dict) else []
    for value in vars(optimizer).values():
        found += _tables(value) if isinstance(value, Optimizer) else []
    return found

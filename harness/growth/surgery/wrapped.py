"""Optimizers around optimizers, such as sharpness-aware minimization and Lookahead.

Each layer may have a state of its own; the groups are shared. A wrapper that only passes on what it is told, such as
those of training libraries, is taken off.
"""

from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any

from torch.optim import Optimizer

__all__ = ["bare", "defaults", "layers", "states"]

LIBRARIES = ("accelerate", "lightning", "pytorch_lightning")
State = MutableMapping[Any, Any]


def bare(optimizers: Optimizer | Sequence[Optimizer]) -> tuple[Optimizer, ...]:
    """Return the optimizers without wrappers that only pass on."""
    given = optimizers if isinstance(optimizers, Sequence) else (optimizers,)
    return tuple(_inner(optimizer) for optimizer in given)


def _inner(optimizer: Optimizer) -> Optimizer:
    inner = [value for value in vars(optimizer).values() if isinstance(value, Optimizer)]
    passes_on = type(optimizer).__module__.split(".")[0] in LIBRARIES or not hasattr(optimizer, "state")
    return _inner(inner[0]) if passes_on and len(inner) == 1 else optimizer


def layers(optimizer: Optimizer) -> Iterator[Optimizer]:
    """Yield `optimizer` and, from the outside in, the optimizers that it wraps."""
    yield optimizer
    for value in vars(optimizer).values():
        if isinstance(value, Optimizer):
            yield from layers(value)


def states(optimizer: Optimizer) -> list[State]:
    """Return what the layers remember by parameter; layers that share a state count once."""
    return list({id(layer.state): layer.state for layer in layers(optimizer)}.values())


def defaults(optimizer: Optimizer) -> dict[str, Any]:
    """Return the settings of a group that is given none."""
    given: dict[str, Any] = {}
    for layer in layers(optimizer):
        given = {**getattr(layer, "defaults", {}), **given}
    return given

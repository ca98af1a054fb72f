"""What `grow` was called with, before anything looks into it."""

from collections.abc import Sequence
from typing import Any

from torch import nn
from torch.optim.swa_utils import AveragedModel

from harness.core.errors import SpecError
from harness.growth.freezing import AbstractFreezePolicy
from harness.growth.operations import AbstractOperation
from harness.growth.probe import Probe

__all__ = ["check_arguments", "check_trained"]

KINDS: tuple[tuple[str, type, str], ...] = (
    ("model", nn.Module, "the network"),
    ("operation", AbstractOperation, "such as WidenHead(path='fc', to=15)"),
    ("freeze_policy", AbstractFreezePolicy, "such as OldParameters(), or leave it out"),
    ("probe", Probe, "of a batch that the network can be called with: probe=Probe(batch)"),
    ("average", AveragedModel, "of torch.optim.swa_utils, or leave it out"),
)


def check_arguments(optimizer: Any, step: int, **arguments: Any) -> None:
    """Check the kinds of arguments; those of `KINDS` may be None where `grow` has a default.

    Raises:
        SpecError: one is of another kind; the message says what it may be.
    """
    for name, kind, what in KINDS:
        value = arguments[name]
        if not isinstance(value, kind) and not (value is None and name not in ("model", "operation")):
            wanted = kind.__name__.removeprefix("Abstract")
            raise SpecError(f"expected {name} of the kind {wanted}, {what}; found {_described(value)}")
    _check_optimizers(optimizer)
    if step < 0:
        raise SpecError(f"expected step to be the number of optimizer updates so far, found {step}")


def check_trained(model: Any, optimizer: Any) -> None:
    """Check that `model` is a network and `optimizer` what trains it, one or several. Raises `SpecError`."""
    if not isinstance(model, nn.Module):
        raise SpecError(f"expected model of the kind Module, the network; found {_described(model)}")
    _check_optimizers(optimizer)


def _check_optimizers(optimizer: Any) -> None:
    several = optimizer if isinstance(optimizer, Sequence) else (optimizer,)
    for item in several:
        if isinstance(item, type) or not hasattr(item, "param_groups"):
            raise SpecError(f"expected optimizer to be one of torch's kind, or several; found {_described(item)}")


def _described(value: Any) -> str:
    return f"the class {value.__name__}; call it" if isinstance(value, type) else type(value).__name__

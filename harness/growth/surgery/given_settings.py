"""What a caller asks of the group of new parameters, checked before anything is changed."""

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from harness.core.errors import SpecError
from harness.core.spec import did_you_mean
from harness.growth.surgery.groups import HELD, RATES
from harness.growth.surgery.wrapped import defaults, layers

__all__ = ["check_settings"]


def check_settings(optimizers: Sequence[Optimizer], lr_factor: float, group: Mapping[str, Any] | None) -> None:
    """Check the factor of the learning rate and the options in `group`.

    An option must be one that an optimizer has by default or in a group. torch checks values when an optimizer is
    built and never when a group is added, so one is built with them.

    Raises:
        SpecError: an option has another name, or a value that the optimizers do not take.
    """
    if not _is_number(lr_factor) or not 0 < lr_factor < math.inf:
        raise SpecError(f"expected lr_factor to be a finite number above 0, such as 0.1, found {lr_factor}")
    known = {key for optimizer in optimizers for part in (defaults(optimizer), *optimizer.param_groups) for key in part}
    for name, value in (group or {}).items():
        _check_name(name, known - {*HELD}, optimizers)
        _check_value(name, value, optimizers)


def _check_name(name: str, known: set[str], optimizers: Sequence[Optimizer]) -> None:
    if name not in known:
        kinds = ", ".join(dict.fromkeys(type(optimizer).__name__ for optimizer in optimizers))
        raise SpecError(
            f"expected group to hold options of {kinds}, found {name!r}.{did_you_mean(name, sorted(known))} An option "
            "of your own must be in a group that the optimizer has"
        )


def _check_value(name: str, value: Any, optimizers: Sequence[Optimizer]) -> None:
    number = float(value) if _is_number(value) else 0.0
    if not math.isfinite(number) or (name in RATES and number < 0):
        least = " of at least 0" if name in RATES else ""
        raise SpecError(f"expected group[{name!r}] to be a finite number{least}, found {value}")
    refusals = [_refusal(layer, name, value) for optimizer in optimizers for layer in layers(optimizer)]
    if refusals and all(refusals):
        raise SpecError(f"expected a value of group[{name!r}] that the optimizer takes, found {value}: {refusals[0]}")


def _refusal(optimizer: Optimizer, name: str, value: Any) -> str:
    """Return why an optimizer of this kind cannot be built with a value; nothing if it can, or never could."""
    taken = inspect.signature(type(optimizer)).parameters
    settings = {key: given for key, given in getattr(optimizer, "defaults", {}).items() if key in taken}
    if name not in settings or _why_not_built(type(optimizer), settings):
        return ""
    return _why_not_built(type(optimizer), {**settings, name: value})


def _why_not_built(kind: type[Optimizer], settings: Mapping[str, Any]) -> str:
    try:
        kind([nn.Parameter(torch.zeros(2, 2))], **settings)
    except Exception as error:  # noqa: BLE001 - what a foreign optimizer raises is not known
        return str(error).partition("\n")[0] or type(error).__name__
    return ""


def _is_number(value: Any) -> bool:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return plain or (isinstance(value, Tensor) and value.numel() == 1 and not value.is_complex())

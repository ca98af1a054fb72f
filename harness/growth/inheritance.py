"""What a parameter that grew takes along from the one that it replaces, besides values and moments."""

from typing import Any

import torch
from torch import nn

from harness.core.errors import SurgeryError
from harness.growth.record import Carried

__all__ = ["inherit"]

FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}
HOOKS = ("_backward_hooks", "_post_accumulate_grad_hooks")


def inherit(item: Carried) -> None:
    """Let `item.new` take over the gradient, the gradient hooks and the memory format of `item.old`.

    In a gradient that is being accumulated over several batches, new entries begin with zeros. The handle of a hook
    removes it as before.

    Raises:
        SurgeryError: the gradient is sparse.
    """
    old, new = item.old, item.new
    memory_format = FORMATS.get(new.dim())
    if memory_format and old.is_contiguous(memory_format=memory_format) and not old.is_contiguous():
        new.data = new.data.contiguous(memory_format=memory_format)
    for name in HOOKS:
        hooks: Any = getattr(old, name)
        if hooks is not None:
            setattr(new, name, hooks)
    if old.grad is not None:
        new.grad = _padded(old.grad, new, item)


def _padded(gradient: torch.Tensor, new: nn.Parameter, item: Carried) -> torch.Tensor:
    if gradient.layout != torch.strided:
        raise SurgeryError(
            f"expected no accumulated gradient of the layout {gradient.layout} on a tensor that grows, found one of "
            f"shape {tuple(gradient.shape)}; call optimizer.zero_grad() before growing"
        )
    padded = torch.zeros_like(new, dtype=gradient.dtype, requires_grad=False)
    padded[item.region] = gradient[item.source]
    return padded

"""A parameter that takes the place of another."""

import torch
from torch import Tensor, nn

__all__ = ["formatted", "successor"]

HOOKS = ("_backward_hooks", "_post_accumulate_grad_hooks")


def successor(old: nn.Parameter, values: Tensor) -> nn.Parameter:
    """Return a parameter of `values`, of any shape, with all else from `old`.

    That is device, type, memory format, `requires_grad`, gradient hooks, and marks such as those for weight decay.
    """
    new = nn.Parameter(formatted(values.detach().to(old, copy=True), old), requires_grad=old.requires_grad)
    vars(new).update(vars(old))
    for name in HOOKS:
        setattr(new, name, getattr(old, name))
    return new


def formatted(values: Tensor, like: Tensor) -> Tensor:
    """Return `values` in the memory format of `like`."""
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    if values.dim() in formats and like.dim() == values.dim():
        wanted = formats[values.dim()]
        if like.is_contiguous(memory_format=wanted) and not like.is_contiguous():
            return values.contiguous(memory_format=wanted)
    return values.contiguous()

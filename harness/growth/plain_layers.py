"""Widened layers made plain: one tensor holds the rows of all parts, under the name that it had before."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from harness.models.output_layer import OutputLayer, check_renewable
from harness.models.paths import short_path
from harness.models.rows import replace_rows
from harness.models.widened import Widened, fuse, replace_everywhere

__all__ = ["Joined", "make_plain"]


@dataclass(frozen=True)
class Joined:
    """The rows of all of `old`, one after another, became `new`, whose name is `name` as in `named_parameters`."""

    name: str
    old: tuple[nn.Parameter, ...]
    new: nn.Parameter


def make_plain(model: nn.Module) -> tuple[tuple[str, ...], tuple[Joined, ...]]:
    """Put a plain layer in the place of each widened one.

    The first part takes the rows of all, and is the same object with the same hooks. It is trained if a part is. A
    layer whose rows are computed from other tensors gives way to a new one.

    Returns:
        The names of the layers, as in `named_modules`, and what became of their parameters; nothing of those whose rows
        were computed.

    Raises:
        ModulePathError: another layer uses a tensor of a widened one, or the network is itself a widened layer.
    """
    joined: list[Joined] = []
    widened = {name: module for name, module in model.named_modules() if isinstance(module, Widened)}
    for name, module in widened.items():
        if any(is_parametrized(layer) for layer in module.layers):
            plain = fuse(module)
        else:
            plain, own = _joined(model, name, module)
            joined.extend(own)
        replace_everywhere(model, short_path(model, name), plain)
    return tuple(widened), tuple(joined)


def _joined(model: nn.Module, name: str, module: Widened) -> tuple[OutputLayer, list[Joined]]:
    """Return the first part of `module` with the rows of all."""
    first, *_ = parts = module.layers
    names = ("weight", "bias") if first.bias is not None else ("weight",)
    for part in parts:
        check_renewable(part, name, model, names, "it cannot be made plain; leave it as it is")
    old = {key: tuple(part.get_parameter(key) for part in parts) for key in names}
    for held in old.values():
        new = replace_rows(model, held[0], torch.cat([parameter.detach() for parameter in held]))
        new.requires_grad_(any(parameter.requires_grad for parameter in held)).grad = _joined_gradients(held)
    return first, [Joined(f"{name}.{key}", held, first.get_parameter(key)) for key, held in old.items()]


def _joined_gradients(parameters: Sequence[nn.Parameter]) -> Tensor | None:
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    return torch.cat(gradients) if len(gradients) == len(parameters) else None

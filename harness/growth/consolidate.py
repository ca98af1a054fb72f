"""Plain layers in place of widened ones: for export, and for libraries that know the network's plain form."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized
from torch.optim import Optimizer

from harness.core.errors import SurgeryError
from harness.growth.merged import merge
from harness.growth.rollback import all_or_nothing
from harness.models.growable import GrowableModel
from harness.models.output_layer import OutputLayer, check_renewable, renew
from harness.models.widened import Widened, fuse, replace_everywhere

__all__ = ["consolidate"]


def consolidate(model: nn.Module, optimizer: Optimizer | Sequence[Optimizer] | None = None) -> tuple[str, ...]:
    """Make every widened layer of `model` one plain layer under its old name; outputs stay the same but for rounding.

    The state dict then fits the plain network of that size. The layer that was first widened holds all rows: it is the
    same object with the same hooks. In `optimizer` its parameters stay in their group, and moments are carried. Rows
    that had a group of their own, with another learning rate, learn from then on like the first ones. Heads and
    inserted layers stay what they are.

    Args:
        model: any module that has grown; one that has not stays as it is.
        optimizer: what trains it, one or several. Without, the network is meant for export: do not train on.

    Returns:
        The names of the layers, as in `named_modules`.

    Raises:
        ModulePathError: another layer uses a tensor of the widened one, or the network is itself a widened layer.
        SurgeryError: some rows are frozen and others are not, or moments cannot be merged; nothing was changed.
    """
    optimizers = [optimizer] if isinstance(optimizer, Optimizer) else list(optimizer or ())
    widened = {name: module for name, module in model.named_modules() if isinstance(module, Widened)}
    with all_or_nothing(model, optimizers):
        for name, module in widened.items():
            plain = None if optimizers else _parametrized(module)
            replace_everywhere(model, _as_path(model, name), plain or _joined(model, name, module, optimizers))
    return tuple(widened)


def _parametrized(module: Widened) -> OutputLayer | None:
    """Return a layer with the rows that are computed from other tensors, if those of `module` are."""
    return fuse(module) if any(is_parametrized(layer) for layer in module.layers) else None


def _joined(model: nn.Module, name: str, module: Widened, optimizers: Sequence[Optimizer]) -> OutputLayer:
    """Return the first part of `module` with the rows of all."""
    parts, tensors = module.layers, ("weight", "bias")
    for part in parts:
        check_renewable(part, name, model, tensors, "it cannot be made plain; leave it as it is")
    old = {key: [getattr(part, key) for part in parts] for key in tensors if parts[0].bias is not None or key != "bias"}
    trained = {parameter.requires_grad for held in old.values() for parameter in held}
    if optimizers and len(trained) > 1:
        raise SurgeryError(
            f"expected all rows of {name!r} frozen or none, found some that are; a plain layer cannot tell them apart: "
            "thaw them first, or consolidate for export: consolidate(model)"
        )
    values = {key: torch.cat([parameter.detach() for parameter in held]) for key, held in old.items()}
    renew(parts[0], values["weight"], values.get("bias"))
    for key, held in old.items():
        new = parts[0].get_parameter(key).requires_grad_(True in trained)
        new.grad = _joined_gradients(held)
        for optimizer in optimizers:
            merge(optimizer, held, new, f"{name}.{key}")
    return parts[0]


def _joined_gradients(parameters: Sequence[nn.Parameter]) -> Tensor | None:
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    return torch.cat(gradients) if len(gradients) == len(parameters) else None


def _as_path(model: nn.Module, name: str) -> str:
    """Return the path of which `name` is the full one."""
    wrapped = isinstance(model, GrowableModel) and not name.startswith("heads.")
    return name.removeprefix("backbone").removeprefix(".") if wrapped else name

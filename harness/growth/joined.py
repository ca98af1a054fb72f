"""A layer that reads more: new columns of zeros for the features that join its input."""

from typing import Any

import torch
from torch import Tensor, nn

from harness.core.errors import ModulePathError
from harness.growth.probe import Probe
from harness.growth.record import Carried, Moments
from harness.models.branches import Joining, join
from harness.models.call import call
from harness.models.cosine import CosineLinear
from harness.models.eval_mode import without_side_effects
from harness.models.output_layer import check_renewable
from harness.models.paths import module_at
from harness.models.rows import successor
from harness.models.widened import output_parts

__all__ = ["joined"]


def joined(model: nn.Module, path: str, joining: Joining, probe: Probe, moments: Moments) -> tuple[Carried, ...]:
    """Let the linear layer at `path` read the features of `joining` as well, with weights of zero.

    Returns:
        The record for the optimizer.

    Raises:
        ModulePathError: it is no linear layer with a weight of its own, is not called once, or the features do not fit.
    """
    parts = output_parts(model, path)
    for part in parts:
        if not isinstance(part, nn.Linear) or isinstance(part, CosineLinear):
            raise ModulePathError(f"expected nn.Linear at {path!r}, found {type(part).__name__}; name another reader")
        check_renewable(part, path, model, ("weight",), "untie it, or remove its norm, first")
    given, features = _seen(model, path, joining, probe)
    if given.shape[:-1] != features.shape[:-1]:
        raise ModulePathError(
            f"expected features at {joining.source!r} that fit beside the input {list(given.shape)} of {path!r}, found "
            f"{list(features.shape)}; name another tap"
        )
    join(module_at(model, path), joining)
    return tuple(_with_columns(part, features.shape[-1], moments) for part in parts)


def _seen(model: nn.Module, path: str, joining: Joining, probe: Probe) -> tuple[Tensor, Tensor]:
    """Return what the layer is given, and the features that would join it."""
    seen: list[tuple[Tensor, Tensor]] = []

    def look(_module: nn.Module, args: tuple[Any, ...]) -> None:
        seen.append((args[0], joining.beside(args[0])))

    handle = module_at(model, path).register_forward_pre_hook(look)
    try:
        with without_side_effects(model, probe.inputs):
            call(model, probe.inputs)
    finally:
        handle.remove()
    if len(seen) != 1:
        raise ModulePathError(f"expected one call of {path!r} in a forward pass, found {len(seen)}; name another layer")
    return seen[0]


def _with_columns(layer: nn.Module, added: int, moments: Moments) -> Carried:
    old = layer.get_parameter("weight")
    new = successor(old, torch.cat([old.detach(), old.detach().new_zeros(len(old), added)], dim=1))
    assert isinstance(new, nn.Parameter)
    layer.weight = new
    vars(layer)["in_features"] += added
    return Carried(old, new, tuple(slice(0, size) for size in old.shape), moments)

"""What layers read of units: seen, with the gradient of the loss, or replaced by other values."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from harness.core.errors import ModulePathError
from harness.growth.probe import Probe
from harness.growth.spaces.matrices import kind_of
from harness.growth.spaces.slots import UnitSlot, entries
from harness.growth.spaces.space import Space
from harness.models.attributes import same_attributes
from harness.models.call import call
from harness.models.eval_mode import without_side_effects

__all__ = ["Reading", "filled", "readings"]

Change = Callable[[nn.Module, Tensor], Tensor]


@dataclass(frozen=True)
class Reading:
    """What a layer read of the units in one call.

    Attributes:
        values: `[B, ..., U, K]`: K entries of each unit.
        slopes: the same of the gradient of the loss; zeros if none was asked for.
    """

    values: Tensor
    slopes: Tensor


def readings(
    model: nn.Module, space: Space, probe: Probe, *, loss: bool = False, output: str | None = None
) -> list[Reading]:
    """Return what the readers of `space` read of its units, call by call, when `model` is called with `probe`.

    Args:
        model: the network, in eval mode.
        space: in it.
        probe: a batch, and perhaps the loss.
        loss: whether gradients are computed.
        output: the name of the output that the loss is of, see `Probe.loss_of`.

    Raises:
        ModulePathError: no reader was called.
        SpecError: the probe has no loss.
    """
    slots = {model.get_submodule(member.path): member.slots for member in space.readers}
    seen: list[tuple[nn.Module, Tensor, Tensor]] = []

    def look(module: nn.Module, given: Tensor) -> Tensor:
        zeros = torch.zeros_like(given).requires_grad_(loss)
        seen.append((module, given.detach(), zeros))
        return given + zeros if loss else given

    quiet = without_side_effects(model, probe.inputs)
    with _changed(slots, look), same_attributes(model), quiet, torch.set_grad_enabled(loss):
        outputs = call(model, probe.inputs)
        added = [zeros for *_, zeros in seen]
        slopes: Sequence[Tensor] = added
        if loss and added:
            slopes = torch.autograd.grad(probe.loss_of(outputs, output), added, materialize_grads=True)
    if not seen:
        raise ModulePathError(
            f"expected calls of what reads the units, such as {space.readers[0].path!r}, found none; switch it on first"
        )
    return [
        Reading(*(_of_units(tensor, module, slots[module], space.units) for tensor in (given, slope)))
        for (module, given, _), slope in zip(seen, slopes, strict=True)
    ]


@contextmanager
def filled(model: nn.Module, space: Space, units: Tensor, values: Mapping[str, Tensor] | None = None) -> Iterator[None]:
    """Let the readers of `space` read other values of `units` `[N]` in the block.

    Args:
        model: the network.
        space: in it.
        units: of the space.
        values: by the path of each reader, `[N * K]`; zeros by default.
    """
    modules = {model.get_submodule(member.path): member for member in space.readers}

    def fill(module: nn.Module, given: Tensor) -> Tensor:
        member = modules[module]
        where = entries(member.slots, space.units)[units].flatten().to(given.device)
        new = given.new_zeros(len(where)) if values is None else values[member.path].to(given)
        features = kind_of(module).features
        changed = given.movedim(features, -1).clone()
        changed[..., where] = new
        return changed.movedim(-1, features)

    with _changed(modules, fill):
        yield


@contextmanager
def _changed(modules: Mapping[nn.Module, Any], change: Change) -> Iterator[None]:
    """Let `modules` read what `change` makes of what they are given."""

    def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        new = partial(change, module)
        if args and isinstance(args[0], Tensor):
            return (new(args[0]), *args[1:]), kwargs
        name = next(name for name, value in kwargs.items() if isinstance(value, Tensor))
        return args, {**kwargs, name: new(kwargs[name])}

    handles = [module.register_forward_pre_hook(hook, with_kwargs=True) for module in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _of_units(given: Tensor, module: nn.Module, slots: Sequence[UnitSlot], units: int) -> Tensor:
    """Return `[B, ..., U, K]` of what a reader is given."""
    return given.movedim(kind_of(module).features, -1)[..., entries(slots, units).to(given.device)]

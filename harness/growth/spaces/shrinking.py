"""Smaller tensors for everything in a space: units leave it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from harness.growth.record import Carried
from harness.growth.spaces.matrices import inputs_dim, kind_of
from harness.growth.spaces.replaced import index_of
from harness.growth.spaces.slots import UnitSlot, entries
from harness.growth.spaces.space import Space
from harness.growth.spaces.unit_norms import group_size, norm_sizes, unit_tensors
from harness.models.rows import successor

__all__ = ["shrink_space"]

Slots = Sequence[UnitSlot]


def shrink_space(model: nn.Module, space: Space, leaving: Tensor) -> tuple[Carried, ...]:
    """Take the units `leaving` `[N]` out of all that `space` holds, and return the record for the optimizer.

    Modules stay the same objects; all other units keep their values, their order and their moments.
    """
    shrunk = _Shrunk(space.units, leaving)
    for member in space.writers:
        module = model.get_submodule(member.path)
        kind = kind_of(module)
        shrunk.cut(module, "weight", kind.outputs, member.slots)
        shrunk.cut(module, "bias", 0, member.slots)
        shrunk.count(module, kind.output_sizes, member.slots)
    for member in space.readers:
        module = model.get_submodule(member.path)
        shrunk.cut(module, "weight", inputs_dim(module), member.slots)
        shrunk.count(module, kind_of(module).input_sizes, member.slots)
    for member in space.norms:
        module = model.get_submodule(member.path)
        if isinstance(module, nn.GroupNorm):
            shrunk.count(module, ("num_groups",), member.slots, size=group_size(module))
        for name in unit_tensors(module):
            shrunk.cut(module, name, 0, member.slots)
        shrunk.count(module, norm_sizes(module), member.slots)
    for given, returned in zip(space.grouped, space.grouped_outputs, strict=True):
        module = model.get_submodule(given.path)
        shrunk.count(module, ("groups",), given.slots, size=group_size(module))
        shrunk.count(module, ("in_channels",), given.slots)
        for name in ("weight", "bias"):
            shrunk.cut(module, name, 0, returned.slots)
        shrunk.count(module, ("out_channels",), returned.slots)
    for parameter in space.loose:
        shrunk.cut(model.get_submodule(parameter.path), parameter.name, parameter.dim, parameter.slots)
    return shrunk.carried()


@dataclass
class _Shrunken:
    """One parameter, perhaps cut along several dimensions, with the entries that stay along each."""

    old: nn.Parameter
    new: nn.Parameter
    kept: dict[int, Tensor] = field(default_factory=dict)


class _Shrunk:
    """Takes units out of tensors and sizes of modules, and records it."""

    def __init__(self, units: int, leaving: Tensor) -> None:
        self._units, self._leaving = units, leaving
        self._parameters: dict[tuple[int, str], _Shrunken] = {}

    def cut(self, module: nn.Module, name: str, dim: int, slots: Slots) -> None:
        """Take the entries of the units out of a tensor of `module`, if it has one, along `dim`."""
        before = getattr(module, name, None)
        if before is None:
            return
        stays = torch.ones(before.shape[dim], dtype=torch.bool)
        stays[entries(slots, self._units)[self._leaving].flatten()] = False
        kept = stays.nonzero().squeeze(1)
        after = successor(before, before.detach().index_select(dim, kept.to(before.device)))
        setattr(module, name, after)
        if isinstance(before, nn.Parameter) and isinstance(after, nn.Parameter):
            item = self._parameters.setdefault((id(module), name), _Shrunken(before, after))
            item.new, item.kept[dim] = after, kept

    def count(self, module: nn.Module, names: Sequence[str], slots: Slots, *, size: int = 1) -> None:
        """Take what the units are, in entries or in groups of `size` entries, off the sizes that `module` has."""
        fewer = len(self._leaving) * sum(slot.block for slot in slots) // size
        for name in names:
            value = vars(module).get(name)
            if isinstance(value, tuple):
                setattr(module, name, (*value[:-1], value[-1] - fewer))
            elif isinstance(value, int):
                setattr(module, name, value - fewer)

    def carried(self) -> tuple[Carried, ...]:
        """Return the record of the parameters."""
        return tuple(
            Carried(
                item.old,
                item.new,
                tuple(slice(0, size) for size in item.new.shape),
                source=index_of(item.new.shape, item.kept),
            )
            for item in self._parameters.values()
        )

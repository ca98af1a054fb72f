"""Tensors that are replaced by bigger ones, and where their old entries lie in those."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from harness.growth.record import Carried, Moments
from harness.growth.spaces.slots import UnitSlot, grown_size, kept_entries, new_entries

__all__ = ["Replaced", "index_of", "wide"]


def wide(tensor: Tensor) -> Tensor:
    """Return a copy on the CPU in float64, which rounds no narrower type."""
    return tensor.detach().double().cpu()


@dataclass
class _Replacement:
    """One parameter, perhaps grown along several dimensions."""

    old: nn.Parameter
    new: nn.Parameter
    kept: dict[int, Tensor]
    units: int


class Replaced:
    """Puts new units into tensors and sizes of modules, which stay the same objects, and records it for the optimizer.

    Args:
        units: how many there are.
        added: how many are put behind those of each slot.
        moments: as in `Carried`.
    """

    def __init__(self, units: int, added: int, moments: Moments) -> None:
        self.units, self.added, self.moments = units, added, moments
        self._replacements: dict[tuple[int, str], _Replacement] = {}

    def extend(
        self,
        module: nn.Module,
        name: str,
        dim: int,
        slots: Sequence[UnitSlot],
        new: Tensor,
        *,
        old: Tensor | None = None,
        averaged: int | None = None,
    ) -> None:
        """Put the entries `[N, K, ...]` of new units into a tensor of `module`, along `dim`.

        The new tensor takes device, type, `requires_grad` and marks of the old one.

        Args:
            module: holds the tensor.
            name: of the attribute.
            dim: the dimension along which the slots lie.
            slots: where the units lie; new ones are put behind the old ones of each.
            new: the other dimensions follow in their order.
            old: other values for the old entries.
            averaged: the dimension along which moments are averaged, `dim` unless given.
        """
        before = getattr(module, name)
        first = (wide(before) if old is None else old).movedim(dim, 0)
        kept = kept_entries(slots, self.units, self.added, len(first))
        grown = first.new_empty((grown_size(slots, self.added, len(first)), *first.shape[1:]))
        grown[kept], grown[new_entries(slots, self.units, self.added)] = first, new
        content = grown.movedim(0, dim).to(before, copy=True).contiguous()
        if not isinstance(before, nn.Parameter):
            setattr(module, name, content)
            return
        after = nn.Parameter(content, requires_grad=before.requires_grad)
        vars(after).update(vars(before))  # marks such as those for weight decay
        setattr(module, name, after)
        first_of = self._replacements.setdefault(
            (id(module), name), _Replacement(before, after, {}, dim if averaged is None else averaged)
        )
        first_of.new, first_of.kept[dim] = after, kept

    def count(self, module: nn.Module, names: Sequence[str], slots: Sequence[UnitSlot], *, size: int = 1) -> None:
        """Add what the new units are, in entries or in groups of `size` entries, to the sizes that `module` has."""
        added = self.added * sum(slot.block for slot in slots) // size
        for name in names:
            value = vars(module).get(name)
            if isinstance(value, tuple):
                setattr(module, name, (*value[:-1], value[-1] + added))
            elif isinstance(value, int):
                setattr(module, name, value + added)

    def carried(self) -> tuple[Carried, ...]:
        """Return the record of the parameters."""
        return tuple(
            Carried(item.old, item.new, index_of(item.old.shape, item.kept), self.moments, item.units)
            for item in self._replacements.values()
        )


def index_of(shape: Sequence[int], kept: Mapping[int, Tensor]) -> tuple[slice | Tensor, ...]:
    """Return the index of `shape` entries, of which those along some dimensions lie at `kept`; slices for the first."""
    region: list[slice | Tensor] = []
    places = {dim: entries for dim, entries in kept.items() if not torch.equal(entries, torch.arange(len(entries)))}
    for dim, size in enumerate(shape):
        if dim not in places:
            region.append(slice(0, size))
        elif len(places) > 1 and dim == min(places):
            region.append(places[dim][:, None])
        else:
            region.append(places[dim])
    return tuple(region)

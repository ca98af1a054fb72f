"""Where the units of a layer lie along a dimension of a tensor."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

MANY = 16

__all__ = ["UnitSlot", "entries", "grown_size", "kept_entries", "new_entries", "slots_of", "unit_codes"]


@dataclass(frozen=True)
class UnitSlot:
    """Where the units lie one after another.

    Attributes:
        offset: the number of entries before the first unit.
        block: the number of entries of each unit, side by side.
    """

    offset: int
    block: int


def entries(slots: Sequence[UnitSlot], units: int) -> Tensor:
    """Return the entries `[U, K]` of each unit, slot by slot."""
    return torch.cat(
        [slot.offset + torch.arange(units * slot.block).reshape(units, slot.block) for slot in slots], dim=1
    )


def kept_entries(slots: Sequence[UnitSlot], units: int, added: int, size: int) -> Tensor:
    """Return where each of `size` entries lies when new units have been put behind the old ones of each slot."""
    places = torch.arange(size)
    for slot in slots:
        places += (torch.arange(size) >= slot.offset + units * slot.block) * (added * slot.block)
    return places


def new_entries(slots: Sequence[UnitSlot], units: int, added: int) -> Tensor:
    """Return the entries `[N, K]` of the new units, slot by slot as in `entries`."""
    parts = []
    for slot in slots:
        before = sum(added * other.block for other in slots if other.offset < slot.offset)
        first = slot.offset + units * slot.block + before
        parts.append(first + torch.arange(added * slot.block).reshape(added, slot.block))
    return torch.cat(parts, dim=1)


def grown_size(slots: Sequence[UnitSlot], added: int, size: int) -> int:
    """Return the number of entries afterwards."""
    return size + added * sum(slot.block for slot in slots)


def unit_codes(units: int) -> Tensor:
    """Return a code for each unit `[U]`, in a sequence that is like no other part of itself.

    Codes are 0 and 1, or 1, 2, 3 for a few units, whose sequence would be too short otherwise.
    """
    few = units < MANY
    codes = torch.randint(int(few), 4 if few else 2, (units,), generator=torch.Generator().manual_seed(units))
    codes[:2] = torch.tensor([1, 2 if few else 0])[:units]
    # The last unit's end must be seen.
    codes[-1] = codes[-1] if few else 1
    return codes


def slots_of(found: Tensor, units: int) -> tuple[UnitSlot, ...] | None:
    """Return the slots in which entries have the codes of the units, given the code of each entry, 0 for others.

    Returns:
        None if the entries with a code are no such slots.
    """
    codes, slots, at = unit_codes(units), [], 0
    while at < len(found):
        if found[at] == 0:
            at += 1
            continue
        slot = _slot_at(found, codes, at)
        if slot is None:
            return None
        slots.append(slot)
        at += slot.block * units
    return tuple(slots)


def _slot_at(found: Tensor, codes: Tensor, at: int) -> UnitSlot | None:
    units = len(codes)
    # The first unit's run of equal codes is as long as its block: the next unit has another code.
    same = (found[at:] != found[at]).nonzero()
    run = int(same[0]) if len(same) else len(found) - at
    for block in range(run, 0, -1):
        end = at + units * block
        if end <= len(found) and torch.equal(found[at:end], codes.repeat_interleave(block)):
            return UnitSlot(at, block)
    return None

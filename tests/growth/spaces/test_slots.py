import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.growth.spaces.slots import UnitSlot, entries, grown_size, kept_entries, new_entries, slots_of, unit_codes


@st.composite
def layouts(draw: st.DrawFn) -> tuple[tuple[UnitSlot, ...], int, int]:
    """Slots with entries between them, the number of units, and the size of the whole."""
    units, at, slots = draw(st.integers(2, 20)), 0, []
    for _ in range(draw(st.integers(1, 3))):
        slot = UnitSlot(at + draw(st.integers(0, 3)), draw(st.integers(1, 4)))
        slots.append(slot)
        at = slot.offset + units * slot.block
    return tuple(slots), units, at + draw(st.integers(0, 3))


@given(layouts())
def test_slots_are_found_by_the_codes_of_their_units(layout: tuple[tuple[UnitSlot, ...], int, int]) -> None:
    slots, units, size = layout
    found = torch.zeros(size, dtype=torch.long)
    found[entries(slots, units)] = unit_codes(units)[:, None]

    assert slots_of(found, units) == slots


@given(layouts(), st.integers(1, 5))
def test_old_and_new_entries_fill_the_grown_dimension(
    layout: tuple[tuple[UnitSlot, ...], int, int], added: int
) -> None:
    slots, units, size = layout
    old, new = kept_entries(slots, units, added, size), new_entries(slots, units, added)

    assert sorted([*old.tolist(), *new.flatten().tolist()]) == list(range(grown_size(slots, added, size)))
    assert old.tolist() == sorted(old.tolist())
    for number, slot in enumerate(slots):
        columns = slice(sum(s.block for s in slots[:number]), sum(s.block for s in slots[: number + 1]))
        assert new[0, columns][0] == old[slot.offset + units * slot.block - 1] + 1


def test_units_that_are_mixed_are_no_slots() -> None:
    codes = unit_codes(20)

    assert slots_of(codes | codes.roll(1), 20) is None
    assert slots_of(codes.flip(0), 20) is None
    assert slots_of(torch.ones(20, dtype=torch.long), 20) is None
    assert slots_of(torch.full((2,), 3), 2) is None

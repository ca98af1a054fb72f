"""Widening a space: finding it, growing it, and proving that the network computes what it did."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import lcm
from typing import Any

import torch
from torch import nn

from harness.core.errors import ModulePathError, SpecError
from harness.growth.probe import Probe
from harness.growth.record import Carried, Moments, Promise
from harness.growth.rollback import all_or_nothing
from harness.growth.spaces.attention import attention_heads
from harness.growth.spaces.experiment import MixedError, Places
from harness.growth.spaces.growing import check_space, grow_space
from harness.growth.spaces.matrices import is_grouped, outputs_of
from harness.growth.spaces.proof import function_kept
from harness.growth.spaces.replaced import Replaced
from harness.growth.spaces.search import GroupsError, find_space, named_space
from harness.growth.spaces.sizes import follow_heads, follow_width
from harness.growth.spaces.slots import UnitSlot
from harness.growth.spaces.space import Space
from harness.growth.spaces.straight_path import straight_gradients
from harness.growth.spaces.unit_norms import takes_mean
from harness.growth.tracing import FAILURES, first_line
from harness.growth.units import AbstractUnits, CopiedUnits

__all__ = ["Widening", "widen_space"]


@dataclass(frozen=True)
class Widening:
    """What a caller wants; paths are full ones.

    Attributes:
        path: a layer that writes to the units, or an attention module.
        together: other layers that write to them; all that there are if it is `"all"`.
        readers: the layers that read them; found if there are none.
        rows: the outputs of each unit.
        added: called with the number of units, returns that of new ones.
        method: gives new units their values.
        moments: as in `Carried`.
    """

    path: str
    together: tuple[str, ...] | str
    readers: tuple[str, ...]
    rows: int
    added: Callable[[int], int]
    method: AbstractUnits
    moments: Moments


@dataclass(frozen=True)
class _Layout:
    """A guess where `units` units lie among the outputs of the layers that write to them."""

    units: int
    writers: Places


class _UndoneError(Exception):
    """What was tried is to be undone."""


def widen_space(model: nn.Module, probe: Probe, wanted: Widening, generator: torch.Generator) -> tuple[Carried, ...]:
    """Widen, or leave everything as it was.

    Raises:
        ModulePathError: something cannot grow, or the network would compute something else.
        SpecError: the number of units does not fit.
    """
    inputs, heads = probe.inputs, attention_heads(model, wanted.path)
    if heads is None:
        space, added = _space_of_layers(model, inputs, wanted)
        follow = follow_heads if wanted.rows > 1 else follow_width
    else:
        _check_whole_attention(wanted)
        layouts = [_Layout(heads.units, writers) for writers in heads.layouts]
        space, follow = _first_found(model, inputs, wanted, layouts), follow_heads
        added = wanted.added(heads.units)
    space = check_space(model, space)

    def widened(method: AbstractUnits, stream: torch.Generator) -> tuple[Carried, ...]:
        replaced = Replaced(space.units, added, wanted.moments)
        gradients = partial(straight_gradients, model, space, probe)
        carried = grow_space(model, space, method, stream, replaced, gradients)
        follow(model, space, added)
        return carried

    what, advice = f"{added} more units at {wanted.path!r}", _advice(model, space)
    if wanted.method.promise() is not Promise.NONE:
        with function_kept(model, inputs, what, advice):
            return widened(wanted.method, generator)
    # What the method changes must not hide that something else reads the units; copies would show it.
    _try(lambda: widened(CopiedUnits(noise=0), torch.Generator()), model, inputs, what, compare=not advice)
    with all_or_nothing(model):
        return widened(wanted.method, generator)


def _check_whole_attention(wanted: Widening) -> None:
    if wanted.rows > 1 or wanted.together not in ((), "all"):
        raise SpecError(
            f"expected the attention {wanted.path!r} alone, or together='all', found rows or others that are named; "
            "name the layers of its queries, keys and values instead"
        )


def _try(widened: Callable[[], object], model: nn.Module, inputs: Any, what: str, *, compare: bool) -> None:
    try:
        with all_or_nothing(model):
            with function_kept(model, inputs, what, compare=compare):
                widened()
            raise _UndoneError
    except _UndoneError:
        pass


def _space_of_layers(model: nn.Module, inputs: Any, wanted: Widening) -> tuple[Space, int]:
    """Return the space that the layer at `wanted.path` writes to, and the number of new units in it."""
    outputs, rows = _outputs(model, wanted.path), wanted.rows
    while True:
        try:
            space = _first_found(model, inputs, wanted, _layouts(model, wanted, outputs, rows))
        except GroupsError as error:
            rows, previous = lcm(rows, error.size), rows
            if rows == previous or outputs % rows:
                raise
            _check_groups(wanted.added(outputs // wanted.rows) * wanted.rows, rows, error)
            continue
        count = wanted.added(space.units * (rows // wanted.rows))
        return space, count // (rows // wanted.rows)


def _check_groups(added: int, rows: int, error: GroupsError) -> None:
    if added % rows:
        raise SpecError(f"{error}; found {added} new ones: add a multiple of {rows}")


def _outputs(model: nn.Module, path: str) -> int:
    module = model.get_submodule(path)
    if outputs := outputs_of(module):
        return outputs
    if is_grouped(module):
        raise ModulePathError(
            f"expected a convolution of one group at {path!r}, found {module.groups} groups, which grow when the layer "
            "that they read does; name that one"
        )
    raise ModulePathError(
        f"expected a linear layer or a convolution at {path!r}, found {type(module).__name__}; name one"
    )


def _layouts(model: nn.Module, wanted: Widening, outputs: int, rows: int) -> list[_Layout]:
    units, rest = divmod(outputs, rows)
    if rest:
        raise SpecError(f"expected {wanted.path!r} to have units of {rows} outputs, found {outputs} outputs")
    others = {} if isinstance(wanted.together, str) else {path: _outputs(model, path) for path in wanted.together}
    for path, count in others.items():
        if count % units:
            raise ModulePathError(
                f"expected {path!r} to have outputs for each of {units} units of {wanted.path!r}, found {count}"
            )
    plain: Places = {path: (UnitSlot(0, count // units),) for path, count in {wanted.path: outputs, **others}.items()}
    layouts = [_Layout(units, plain)]
    if not others:
        layouts += [_in_parts(wanted.path, outputs, rows, parts) for parts in (2, 3) if not rows % parts]
    if not others and rows == 1 and not outputs % 2:
        # A gate whose factors are outputs of one layer: half and half, or side by side.
        layouts.append(_in_parts(wanted.path, outputs, 2, parts=2))
        layouts.append(_Layout(outputs // 2, {wanted.path: (UnitSlot(0, 2),)}))
    return layouts


def _in_parts(path: str, outputs: int, rows: int, parts: int) -> _Layout:
    """Return units that are spread over parts of the outputs, as heads over queries, keys and values."""
    slots = tuple(UnitSlot(part * (outputs // parts), rows // parts) for part in range(parts))
    return _Layout(outputs // rows, {path: slots})


def _first_found(model: nn.Module, inputs: Any, wanted: Widening, layouts: Sequence[_Layout]) -> Space:
    first: MixedError | None = None
    for layout in layouts:
        try:
            return find_space(
                model,
                inputs,
                layout.writers,
                layout.units,
                readers=wanted.readers,
                everything=wanted.together == "all",
            )
        except MixedError as error:
            first = first or error
        except FAILURES as error:
            if wanted.readers:
                # Some networks cannot be called with made-up values; what the caller says is proved all the same.
                return named_space(layout.writers, layout.units, wanted.readers)
            raise ModulePathError(
                f"expected a network that can be called with made-up values to see what reads {wanted.path!r}, found "
                f"that it fails: {first_line(error)}; name the layers that read it: readers=(...)"
            ) from None
    assert first is not None
    raise first


def _advice(model: nn.Module, space: Space) -> str:
    """Return what to do if outputs differ; something if a norm takes the mean over units."""
    for member in space.norms:
        module = model.get_submodule(member.path)
        if takes_mean(module):
            rows = space.writers[0].slots[0].block
            return (
                f"; {member.path!r} ({type(module).__name__}) takes a mean over them, which stays the same if all are "
                f"copied as often: to={2 * space.units * rows}, or a multiple of {space.units * rows}"
            )
    return ""

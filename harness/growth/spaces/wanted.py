"""Finding the space that a caller wants to grow, or to shrink."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import lcm
from typing import Any

from torch import nn

from harness.core.errors import ModulePathError, SpecError
from harness.growth.spaces.attention import attention_heads
from harness.growth.spaces.experiment import MixedError, Places
from harness.growth.spaces.matrices import is_grouped, outputs_of
from harness.growth.spaces.search import GroupsError, find_space, named_space
from harness.growth.spaces.sizes import follow_heads, follow_width
from harness.growth.spaces.slots import UnitSlot
from harness.growth.spaces.space import Space
from harness.growth.tracing import FAILURES, first_line
from harness.models.paths import full_path, module_at

__all__ = ["Found", "Wanted", "wanted_space"]

Follow = Callable[[nn.Module, Space, int], None]


@dataclass(frozen=True)
class Wanted:
    """What a caller wants; paths are full ones.

    Attributes:
        path: a layer that writes to the units, or an attention module.
        together: other layers that write to them; all that there are if it is `"all"`.
        readers: the layers that read them; found if there are none.
        rows: the outputs of each unit.
        count: called with the number of units, returns that of those which come or leave.
    """

    path: str
    together: tuple[str, ...] | str
    readers: tuple[str, ...]
    rows: int
    count: Callable[[int], int]

    @classmethod
    def of(
        cls,
        model: nn.Module,
        path: str,
        together: tuple[str, ...] | str,
        readers: tuple[str, ...],
        rows: int,
        count: Callable[[int], int],
    ) -> "Wanted":
        """Return the same for paths as a user writes them. Raises `ModulePathError` for one that is not there."""
        others = together if isinstance(together, tuple) else ()
        for named in (*readers, *others):
            module_at(model, named)
        full = tuple(full_path(model, other) for other in others)
        return cls(
            full_path(model, path),
            full if isinstance(together, tuple) else together,
            tuple(full_path(model, reader) for reader in readers),
            rows,
            count,
        )


@dataclass(frozen=True)
class Found:
    """What is there.

    Attributes:
        space: with all that must change together.
        count: the number of its units that come or leave.
        follow: called with the network, the space and the number of units that are added, lets sizes that the network
            notes follow.
        size: how many of the units that the caller speaks of are one of the space.
    """

    space: Space
    count: int
    follow: Follow
    size: int = 1


@dataclass(frozen=True)
class _Layout:
    """A guess where `units` units lie among the outputs of the layers that write to them."""

    units: int
    writers: Places


def wanted_space(model: nn.Module, inputs: Any, wanted: Wanted) -> Found:
    """Return the space that the layer or attention module at `wanted.path` writes to.

    Raises:
        ModulePathError: something cannot change with it; the message names it.
        SpecError: the number of units does not fit.
    """
    heads = attention_heads(model, wanted.path)
    if heads is None:
        space, size = _space_of_layers(model, inputs, wanted)
        follow = follow_heads if wanted.rows > 1 else follow_width
        return Found(space, wanted.count(space.units * size) // size, follow, size)
    _check_whole_attention(wanted)
    layouts = [_Layout(heads.units, writers) for writers in heads.layouts]
    return Found(_first_found(model, inputs, wanted, layouts), wanted.count(heads.units), follow_heads)


def _check_whole_attention(wanted: Wanted) -> None:
    if wanted.rows > 1 or wanted.together not in ((), "all"):
        raise SpecError(
            f"expected the attention {wanted.path!r} alone, or together='all', found rows or others that are named; "
            "name the layers of its queries, keys and values instead"
        )


def _space_of_layers(model: nn.Module, inputs: Any, wanted: Wanted) -> tuple[Space, int]:
    """Return the space that the layer at `wanted.path` writes to, and how many wanted units one of its units is."""
    outputs, rows = _outputs(model, wanted.path), wanted.rows
    while True:
        try:
            space = _first_found(model, inputs, wanted, _layouts(model, wanted, outputs, rows))
        except GroupsError as error:
            rows, previous = lcm(rows, error.size), rows
            if rows == previous or outputs % rows:
                raise
            _check_groups(wanted.count(outputs // wanted.rows) * wanted.rows, rows, error)
            continue
        return space, rows // wanted.rows


def _check_groups(count: int, rows: int, error: GroupsError) -> None:
    if count % rows:
        raise SpecError(f"{error}; found {count} of them: add a multiple of {rows}, or remove a multiple")


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


def _layouts(model: nn.Module, wanted: Wanted, outputs: int, rows: int) -> list[_Layout]:
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


def _first_found(model: nn.Module, inputs: Any, wanted: Wanted, layouts: Sequence[_Layout]) -> Space:
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

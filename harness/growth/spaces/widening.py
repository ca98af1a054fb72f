"""Widening a space: finding it, growing it, and proving that the network computes what it did."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from harness.growth.probe import Probe
from harness.growth.record import Carried, Moments, Promise
from harness.growth.rollback import all_or_nothing, undone
from harness.growth.spaces.growing import check_space, grow_space
from harness.growth.spaces.proof import function_kept
from harness.growth.spaces.replaced import Replaced
from harness.growth.spaces.space import Space
from harness.growth.spaces.straight_path import straight_gradients
from harness.growth.spaces.unit_norms import takes_mean
from harness.growth.spaces.wanted import Wanted, wanted_space
from harness.growth.units import AbstractUnits, CopiedUnits

__all__ = ["Widening", "widen_space"]


@dataclass(frozen=True)
class Widening:
    """What a caller wants.

    Attributes:
        wanted: the units, and how many new ones.
        method: gives new units their values.
        moments: as in `Carried`.
    """

    wanted: Wanted
    method: AbstractUnits
    moments: Moments


def widen_space(model: nn.Module, probe: Probe, widening: Widening, generator: torch.Generator) -> tuple[Carried, ...]:
    """Widen, or leave everything as it was.

    Raises:
        ModulePathError: something cannot grow, or the network would compute something else.
        SpecError: the number of units does not fit.
    """
    inputs = probe.inputs
    found = wanted_space(model, inputs, widening.wanted)
    space, added = check_space(model, found.space), found.count

    def widened(method: AbstractUnits, stream: torch.Generator) -> tuple[Carried, ...]:
        replaced = Replaced(space.units, added, widening.moments)
        gradients = partial(straight_gradients, model, space, probe)
        carried = grow_space(model, space, method, stream, replaced, gradients)
        found.follow(model, space, added)
        return carried

    what, advice = f"{added} more units at {widening.wanted.path!r}", _advice(model, space)
    if widening.method.promise() is not Promise.NONE:
        with function_kept(model, inputs, what, advice):
            return widened(widening.method, generator)
    # What the method changes must not hide that something else reads the units; copies would show it.
    _try(lambda: widened(CopiedUnits(noise=0), torch.Generator()), model, inputs, what, compare=not advice)
    with all_or_nothing(model):
        return widened(widening.method, generator)


def _try(widened: Callable[[], object], model: nn.Module, inputs: Any, what: str, *, compare: bool) -> None:
    with undone(model), function_kept(model, inputs, what, compare=compare):
        widened()


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

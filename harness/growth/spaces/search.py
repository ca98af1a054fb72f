"""Which layers write to the same units, and which read them, found by an experiment on the network itself.

Units are changed in a pattern that tells them apart. Where the pattern comes back among the inputs of a layer, there
are the units; where another pattern comes, something mixes them. A gradient says which other layers write to the same
inputs: the other factor of a gate, the terms of a sum.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from harness.core.errors import ModulePathError
from harness.growth.spaces.cut_run import Call, cut_run
from harness.growth.spaces.experiment import Experiment, MixedError, Places, change_units
from harness.growth.spaces.matrices import has_fixed_inputs, is_grouped, kind_of, matrix_kind
from harness.growth.spaces.slots import UnitSlot, slots_of
from harness.growth.spaces.space import LooseParameter, Member, Space
from harness.growth.spaces.unit_norms import group_size, norm_dim

__all__ = ["GroupsError", "find_space", "named_space"]


class GroupsError(ModulePathError):
    """A module takes several outputs together, so that only whole groups of them can be added."""

    def __init__(self, size: int, path: str) -> None:
        super().__init__(f"expected units in groups of {size}, which {path!r} takes together")
        self.size = size


def find_space(
    model: nn.Module, inputs: Any, start: Places, units: int, *, readers: Sequence[str] = (), everything: bool = False
) -> Space:
    """Return all that must grow if the layers `start` get more units.

    Args:
        model: the network.
        inputs: a batch.
        start: by their paths, layers that write to the units, and where among their outputs.
        units: how many there are.
        readers: paths of the layers that read the units, if they are known; nothing else may read them.
        everything: whether all other layers that write to the same units join, however far away.

    Raises:
        GroupsError: something takes several units together.
        MixedError: something mixes them.
        ModulePathError: other layers write to them or read them as well; the message names them.
    """
    writers, base = dict(start), cut_run(model, inputs, {})
    while True:
        experiment = change_units(model, inputs, base, writers, units)
        found = _members(experiment, readers)
        partners = _partners(experiment, found.readers)
        others = [path for path in partners if not (everything or _is_twin(experiment, path))]
        if others:
            raise ModulePathError(
                f"expected that {experiment.start!r} can get more units, found that {_listed(others)} write to the "
                "same sum or product; widen them together: together='all', or their paths"
            )
        if not partners:
            return _space(model, experiment, found, readers)
        writers |= partners


@dataclass
class _Found:
    """By their paths, what the units reach, and where among its inputs they lie."""

    readers: dict[str, tuple[UnitSlot, ...]] = field(default_factory=dict)
    norms: dict[str, tuple[UnitSlot, ...]] = field(default_factory=dict)
    grouped: dict[str, tuple[UnitSlot, ...]] = field(default_factory=dict)
    grouped_outputs: dict[str, tuple[UnitSlot, ...]] = field(default_factory=dict)


def _members(experiment: Experiment, named: Sequence[str]) -> _Found:
    found, mixing = _Found(), list[Call]()
    _check_inputs(experiment)
    _check_groups(experiment)
    for index, call in enumerate(experiment.calls):
        if not experiment.given[index].any():
            continue
        slots = experiment.slots(index)
        if matrix_kind(call.module) and slots is not None:
            _take(found.readers, call, slots)
        elif is_grouped(call.module) and slots is not None:
            outputs = slots_of(experiment.returned[index], experiment.units)
            _take(found.grouped, call, slots)
            _take(found.grouped_outputs, call, outputs or ())
        elif norm_dim(call.module) is not None and slots is not None:
            _take(found.norms, call, slots)
        elif norm_dim(call.module) is None and call.path not in named:
            mixing.append(call)
    if mixing:
        raise MixedError(
            f"expected that {experiment.start!r} can get more units, found that what {mixing[0].path!r} "
            f"({type(mixing[0].module).__name__}) reads mixes them"
        )
    if named and (others := [path for path in found.readers if path not in named]):
        raise ModulePathError(
            f"expected that {_listed(named)} alone read the units of {experiment.start!r}, found that "
            f"{_listed(others)} do, too; name all readers, or none to have them found"
        )
    return found


def _check_inputs(experiment: Experiment) -> None:
    for call, codes in zip(experiment.calls, experiment.given, strict=True):
        if has_fixed_inputs(call.module) and codes.any():
            raise MixedError(
                f"expected that {experiment.start!r} can get more units, found that {call.path!r} "
                f"({type(call.module).__name__}) reads them, which cannot have other inputs"
            )


def _check_groups(experiment: Experiment) -> None:
    groups = []
    for index, call in enumerate(experiment.calls):
        size = group_size(call.module)
        slots = experiment.slots(index) if size > 1 and experiment.given[index].any() else None
        if slots and slots[0].block % size:
            groups.append((size, call.path))
    if groups:
        raise GroupsError(*max(groups))


def _take(members: dict[str, tuple[UnitSlot, ...]], call: Call, slots: tuple[UnitSlot, ...]) -> None:
    if not slots or members.setdefault(call.path, slots) != slots:
        raise ModulePathError(
            f"expected units at the same places in each call of {call.path!r} ({type(call.module).__name__}), found "
            "others; choose another layer"
        )


def _unit_sum(experiment: Experiment, readers: Places) -> Tensor | None:
    """Return the sum of all inputs that hold the units; None if nothing differentiable leads to them."""
    inputs = []
    for call, codes in zip(experiment.calls, experiment.given, strict=True):
        if call.path in readers and call.given is not None and call.given.requires_grad:
            features = kind_of(call.module).features
            inputs.append((call.given * (codes > 0).to(call.given.device).reshape(-1, *[1] * (-1 - features))).sum())
    return torch.stack(inputs).sum() if inputs else None


def _reaching(total: Tensor | None, tensors: Sequence[Tensor]) -> list[bool]:
    """Return for each tensor whether `total` depends on it."""
    if total is None or not tensors:
        return [False] * len(tensors)
    gradients = torch.autograd.grad(total, tensors, retain_graph=True, allow_unused=True)
    return [gradient is not None and bool(gradient.any()) for gradient in gradients]


def _partners(experiment: Experiment, readers: Places) -> dict[str, tuple[UnitSlot, ...]]:
    """Return the other layers that write to the inputs that hold the units, and where among their outputs."""
    others = [call for call in experiment.calls if matrix_kind(call.module) and call.path not in experiment.writers]
    reaching = _reaching(_unit_sum(experiment, readers), [call.returned for call in others])
    writing = [call for call, reaches in zip(others, reaching, strict=True) if reaches]
    return {call.path: _outputs_like_units(experiment, call) for call in writing}


def _loose(model: nn.Module, experiment: Experiment, readers: Places) -> tuple[LooseParameter, ...]:
    """Return the parameters of no layer on which the inputs that hold the units depend, and that have units."""
    rows = next(iter(experiment.writers.values()))[0].block
    found, held = [], []
    for path, module in model.named_modules():
        if matrix_kind(module) or is_grouped(module) or norm_dim(module) is not None:
            continue
        for name, parameter in module.named_parameters(recurse=False):
            dims = [dim for dim, size in enumerate(parameter.shape) if size == experiment.units * rows]
            if dims and parameter.requires_grad:
                found.append(LooseParameter(path, name, dims[-1], (UnitSlot(0, rows),)))
                held.append(parameter)
    reaching = _reaching(_unit_sum(experiment, readers), held)
    return tuple(parameter for parameter, reaches in zip(found, reaching, strict=True) if reaches)


def _outputs_like_units(experiment: Experiment, call: Call) -> tuple[UnitSlot, ...]:
    outputs = call.returned.shape[kind_of(call.module).features]
    block, rest = divmod(outputs, experiment.units)
    if rest:
        raise ModulePathError(
            f"expected that {experiment.start!r} can get more units, found that {call.path!r} writes to the same sum "
            f"or product, and has {outputs} outputs, not so many for each of {experiment.units} units"
        )
    return (UnitSlot(0, block),)


def _is_twin(experiment: Experiment, path: str) -> bool:
    """Return whether the layer at `path` is given the very tensor that the first writer is given, as in a gate."""
    own = [call.given for call in experiment.calls if call.path == experiment.start]
    given = [call.given for call in experiment.calls if call.path == path]
    return any(one is other and one is not None for one in own for other in given)


def _listed(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return ", ".join(repr(path) for path in paths[:3]) + more


def _space(model: nn.Module, experiment: Experiment, found: _Found, named: Sequence[str]) -> Space:
    if not found.readers and not named:
        raise ModulePathError(
            f"expected a layer that reads the units of {experiment.start!r}, found none; name them: readers=(...)"
        )
    readers: Places = {**dict.fromkeys(named, ()), **found.readers}
    return Space(
        experiment.units,
        _as_members(experiment.writers),
        _as_members(readers),
        _as_members(found.norms),
        _as_members(found.grouped),
        _as_members(found.grouped_outputs),
        _loose(model, experiment, found.readers),
    )


def named_space(writers: Places, units: int, readers: Sequence[str]) -> Space:
    """Return the space of which a caller names all members; where readers read the units follows from their sizes."""
    return Space(units, _as_members(writers), tuple(Member(path, ()) for path in readers))


def _as_members(places: Places) -> tuple[Member, ...]:
    return tuple(Member(path, slots) for path, slots in places.items())

"""Which layers write to the same units, and which read them, found by an experiment on the network itself.

Of the layers that write to the units, each unit's values are changed in a pattern that tells units apart. Where the
pattern comes back among the inputs of another layer, there are the units; where another pattern comes, something mixes
them. A gradient says which other layers write to the same inputs: the other factor of a gate, the terms of a sum.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from harness.core.errors import ModulePathError
from harness.growth.spaces.cut_run import Call, CutRun, cut_run
from harness.growth.spaces.matrices import is_grouped, matrix_kind
from harness.growth.spaces.slots import Slot, entries, slots_of, unit_codes
from harness.growth.spaces.space import Member, Space
from harness.growth.spaces.unit_norms import group_size, norm_dim, unit_tensors

__all__ = ["GroupsError", "MixedError", "find_space"]


class MixedError(ModulePathError):
    """Something on the way to a reader mixes the units."""


class GroupsError(ModulePathError):
    """The units come in groups of `size` entries, of which only whole ones can be added."""

    def __init__(self, size: int, path: str) -> None:
        super().__init__(f"expected units in groups of {size}, which {path!r} takes together")
        self.size = size


def find_space(
    model: nn.Module,
    inputs: Any,
    start: Mapping[str, tuple[Slot, ...]],
    units: int,
    *,
    readers: Iterable[str] = (),
    everything: bool = False,
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
        ModulePathError: something mixes the units, or other layers write to them as well; the message names them.
    """
    writers = dict(start)
    while True:
        experiment = _Experiment(model, inputs, writers, units, tuple(readers))
        partners = experiment.partners()
        joining = {path: slots for path, slots in partners.items() if everything or experiment.is_twin(path)}
        if others := [path for path in partners if path not in joining]:
            raise ModulePathError(
                f"expected that {next(iter(start))!r} can get more units, found that {_listed(others)} "
                "write to the same sum or product; widen them together: together='all', or their paths"
            )
        if not joining:
            return experiment.space()
        writers |= joining


def _listed(paths: list[str]) -> str:
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return ", ".join(repr(path) for path in paths[:3]) + more


@dataclass(frozen=True)
class _Found:
    """A call, and the code of each entry of what it was given and of what it returned."""

    call: Call
    given: Tensor | None


class _Experiment:
    """Three forward passes: one as it is, and two in which units are changed."""

    def __init__(
        self, model: nn.Module, inputs: Any, writers: Mapping[str, tuple[Slot, ...]], units: int, named: tuple[str, ...]
    ) -> None:
        self.writers, self.units, self.named = writers, units, named
        self.start = next(iter(writers))
        self.modules = dict(model.named_modules())
        codes = unit_codes(units)
        self.base = cut_run(model, inputs, {})
        bits = (1, 2) if units > 1 else (1,)
        changed = [cut_run(model, inputs, self._changed((codes & bit) > 0)) for bit in bits]
        self._check_alike(changed)
        self.codes = [
            sum(bit * _changes(call, run.calls[index], "given") for bit, run in zip(bits, changed, strict=True))
            for index, call in enumerate(self.base.calls)
        ]
        self.returned = {
            index: sum(
                bit * _changes(call, run.calls[index], "returned") for bit, run in zip(bits, changed, strict=True)
            )
            for index, call in enumerate(self.base.calls)
            if is_grouped(call.module)
        }
        self._check_outputs(changed)
        self.readers, self.norms, self.grouped, self.grouped_outputs = self._members()

    def _changed(self, units: Tensor) -> dict[str, Tensor]:
        """Return which outputs of each writer belong to these units `[U]`."""
        changed = {}
        for path, slots in self.writers.items():
            kind = matrix_kind(self.modules[path])
            assert kind is not None
            outputs = torch.zeros(self.modules[path].get_parameter("weight").shape[kind.outputs], dtype=torch.bool)
            outputs[entries(slots, self.units)[units].flatten()] = True
            changed[path] = outputs
        return changed

    def _check_alike(self, runs: list[CutRun]) -> None:
        paths = [call.path for call in self.base.calls]
        if any([call.path for call in run.calls] != paths for run in runs):
            raise MixedError(
                f"expected that {self.start!r} can get more units, found that other layers are called for other "
                "values of them; name the layers that read them: readers=(...)"
            )
        missing = [path for path in self.writers if path not in paths]
        if missing:
            raise ModulePathError(
                f"expected a call of the layer {missing[0]!r}, found none: it is unused, switched off, or within a "
                "module that uses its weights itself; choose another"
            )

    def _check_outputs(self, runs: list[CutRun]) -> None:
        for run in runs:
            for old, new in zip(self.base.outputs, run.outputs, strict=False):
                if old.shape != new.shape or not _equal(old, new).all():
                    raise MixedError(
                        f"expected that {self.start!r} can get more units, found that they are outputs of the "
                        "network; widen the head instead"
                    )

    def _members(self) -> tuple[dict[str, tuple[Slot, ...]], ...]:
        readers: dict[str, tuple[Slot, ...]] = {}
        norms: dict[str, tuple[Slot, ...]] = {}
        grouped: dict[str, tuple[Slot, ...]] = {}
        grouped_outputs: dict[str, tuple[Slot, ...]] = {}
        groups: list[tuple[int, str]] = []
        mixed: list[Call] = []
        for index, call in enumerate(self.base.calls):
            codes = self.codes[index]
            if not isinstance(codes, Tensor) or not codes.any():
                continue
            slots = slots_of(codes, self.units)
            if matrix_kind(call.module):
                if slots is None and call.path not in self.named:
                    mixed.append(call)
                elif slots is not None:
                    _take(readers, call, slots)
            elif slots is not None and (size := group_size(call.module)) > 1 and slots[0].block % size:
                groups.append((size, call.path))
            elif slots is not None and is_grouped(call.module):
                _take(grouped, call, slots)
                returned = slots_of(self.returned[index], self.units)
                if returned is None:
                    mixed.append(call)
                else:
                    _take(grouped_outputs, call, returned)
            elif slots is not None and norm_dim(call.module) is not None:
                _take(norms, call, slots)
        if groups:
            raise GroupsError(*max(groups))
        if mixed:
            raise MixedError(
                f"expected that {self.start!r} can get more units, found that what {mixed[0].path!r} "
                f"({type(mixed[0].module).__name__}) reads mixes them"
            )
        if others := [path for path in readers if self.named and path not in self.named]:
            raise ModulePathError(
                f"expected that {_listed(list(self.named))} alone read the units of {self.start!r}, found that "
                f"{_listed(others)} read them as well; name all readers, or none to have them found"
            )
        return readers, norms, grouped, grouped_outputs

    def partners(self) -> dict[str, tuple[Slot, ...]]:
        """Return the other layers that write to the inputs that hold the units, and where among their outputs."""
        total: list[Tensor] = []
        for index, call in enumerate(self.base.calls):
            given, kind, codes = call.given, matrix_kind(call.module), self.codes[index]
            if given is not None and kind and call.path in self.readers and given.requires_grad:
                assert isinstance(codes, Tensor)
                where = (codes > 0).to(given.device).reshape(-1, *[1] * (-1 - kind.features))
                total.append((given * where).sum())
        if not total:
            return {}
        leaves = {
            index: call.returned
            for index, call in enumerate(self.base.calls)
            if call.path not in self.writers and matrix_kind(call.module)
        }
        gradients = (
            torch.autograd.grad(torch.stack(total).sum(), list(leaves.values()), allow_unused=True) if leaves else ()
        )
        found = {}
        for index, gradient in zip(leaves, gradients, strict=True):
            if gradient is not None and gradient.any():
                call = self.base.calls[index]
                found[call.path] = self._slots_like_others(call)
        return found

    def _slots_like_others(self, call: Call) -> tuple[Slot, ...]:
        kind = matrix_kind(call.module)
        assert kind is not None
        outputs = call.returned.shape[kind.features]
        block, rest = divmod(outputs, self.units)
        if rest:
            raise ModulePathError(
                f"expected that {self.start!r} can get more units, found that {call.path!r}, of {outputs} outputs, "
                f"writes to what they are read from, too: it has no output for each of the {self.units} units"
            )
        return (Slot(0, block),)

    def is_twin(self, path: str) -> bool:
        """Return whether the layer at `path` is given the very tensor that the first writer is given, as in a gate."""
        given = [call.given for call in self.base.calls if call.path == self.start]
        return any(
            call.given is other and other is not None
            for call in self.base.calls
            if call.path == path
            for other in given
        )

    def space(self) -> Space:
        """Return what was found."""
        if not self.readers and not self.named:
            raise ModulePathError(
                f"expected a layer that reads the units of {self.start!r}, found none; name them: readers=(...)"
            )
        readers = dict(self.readers)
        for path in self.named:
            readers.setdefault(path, ())
        return Space(
            self.units,
            *(
                tuple(Member(path, slots) for path, slots in part.items())
                for part in (self.writers, readers, self.norms, self.grouped, self.grouped_outputs)
            ),
        )


def _take(members: dict[str, tuple[Slot, ...]], call: Call, slots: tuple[Slot, ...]) -> None:
    if members.setdefault(call.path, slots) != slots:
        raise ModulePathError(
            f"expected {call.path!r} to read the units at the same inputs in each call, found others; choose another"
        )


def _changes(old: Call, new: Call, side: str) -> Tensor | int:
    """Return for each entry along the features whether it differs, as 0 or 1; 0 if there are none."""
    before, after = getattr(old, side), getattr(new, side)
    if before is None or after is None or before.shape != after.shape:
        return 0
    dim = _feature_dim(old.module, before)
    if dim is None:
        return 0
    differs = ~_equal(before.detach(), after.detach())
    return differs.movedim(dim, 0).flatten(1).any(dim=1).long().cpu()


def _feature_dim(module: nn.Module, given: Tensor) -> int | None:
    if kind := matrix_kind(module):
        return kind.features
    if is_grouped(module):
        return 1 - module.get_parameter("weight").dim()
    dim, tensors = norm_dim(module), unit_tensors(module)
    size = len(next(iter(tensors.values()))) if tensors else None
    if dim is not None and size is not None and given.shape[dim] != size:
        dim = 1 if given.dim() > 1 and given.shape[1] == size else None
    return dim


def _equal(old: Tensor, new: Tensor) -> Tensor:
    return (old == new) | (old.isnan() & new.isnan()) if old.is_floating_point() else old == new

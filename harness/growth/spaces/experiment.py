"""Units of a network are changed, to see where the changes arrive."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from harness.core.errors import ModulePathError
from harness.growth.spaces.cut_run import Call, CutRun, cut_run
from harness.growth.spaces.matrices import has_fixed_inputs, is_grouped, kind_of, matrix_kind, outputs_of
from harness.growth.spaces.slots import UnitSlot, entries, slots_of, unit_codes
from harness.growth.spaces.unit_norms import norm_dim, unit_tensors

__all__ = ["Experiment", "MixedError", "Places", "change_units"]

Places = Mapping[str, tuple[UnitSlot, ...]]


class MixedError(ModulePathError):
    """Something behind the units mixes them."""


@dataclass(frozen=True)
class Experiment:
    """What came of it.

    Attributes:
        writers: by their paths, the layers of which units were changed, and where among their outputs those lie.
        units: how many there are.
        calls: of the layers of the network, in their order.
        given: for each call, the code of the unit that each of its inputs depends on, 0 for none.
        returned: the same for the outputs of convolutions in groups; zeros for others.
    """

    writers: Places
    units: int
    calls: tuple[Call, ...]
    given: tuple[Tensor, ...]
    returned: tuple[Tensor, ...]

    @property
    def start(self) -> str:
        """The path of the first writer."""
        return next(iter(self.writers))

    def slots(self, index: int) -> tuple[UnitSlot, ...] | None:
        """Return where among the inputs of a call the units lie; None if these mix them."""
        return slots_of(self.given[index], self.units)


def change_units(model: nn.Module, inputs: Any, base: CutRun, writers: Places, units: int) -> Experiment:
    """Change units of the layers `writers` in a pattern that tells units apart, and compare with the pass `base`.

    Raises:
        ModulePathError: a layer is not called.
        MixedError: outputs of the network change, or which layers are called.
    """
    codes = unit_codes(units)
    bits = [bit for bit in (1, 2) if (codes & bit).any()]
    changed = [cut_run(model, inputs, _changed(model, writers, units, (codes & bit) > 0)) for bit in bits]
    _check_calls(base, changed, tuple(writers))
    _check_outputs(base, changed, next(iter(writers)))
    given, returned = [], []
    for index, call in enumerate(base.calls):
        others = [run.calls[index] for run in changed]
        pairs = list(zip(bits, others, strict=True))
        given.append(_code(call, [(bit, call.given, other.given) for bit, other in pairs]))
        outputs = pairs if is_grouped(call.module) else []
        returned.append(_code(call, [(bit, call.returned, other.returned) for bit, other in outputs]))
    return Experiment(writers, units, base.calls, tuple(given), tuple(returned))


def _changed(model: nn.Module, writers: Places, units: int, which: Tensor) -> dict[str, Tensor]:
    """Return which outputs of each writer belong to the units `which` `[U]`."""
    changed = {}
    for path, slots in writers.items():
        outputs = torch.zeros(outputs_of(model.get_submodule(path)), dtype=torch.bool)
        outputs[entries(slots, units)[which].flatten()] = True
        changed[path] = outputs
    return changed


def _check_calls(base: CutRun, changed: list[CutRun], writers: tuple[str, ...]) -> None:
    paths = [call.path for call in base.calls]
    for path in writers:
        if path not in paths:
            raise ModulePathError(
                f"expected a call of the layer {path!r}, found none: it is unused, or within a module that uses its "
                "weights itself; choose another"
            )
    if any([call.path for call in run.calls] != paths for run in changed):
        raise MixedError(
            f"expected that {writers[0]!r} can get more units, found that their values decide which layers are called"
        )


def _check_outputs(base: CutRun, changed: list[CutRun], start: str) -> None:
    for run in changed:
        for old, new in zip(base.outputs, run.outputs, strict=True):
            if old.shape != new.shape or not _equal(old, new).all():
                raise MixedError(
                    f"expected that {start!r} can get more units, found that they are outputs of the network; widen "
                    "the head instead"
                )


def _code(call: Call, pairs: list[tuple[int, Tensor | None, Tensor | None]]) -> Tensor:
    """Return for each entry along the features the sum of the bits of the runs in which it differs."""
    codes = torch.zeros(1, dtype=torch.long)
    for bit, old, new in pairs:
        dim = None if old is None else _feature_dim(call.module, old)
        if old is None or new is None or dim is None or old.shape != new.shape:
            continue
        differs = ~_equal(old.detach(), new.detach())
        codes = codes + bit * differs.movedim(dim, 0).flatten(1).any(dim=1).long().cpu()
    return codes


def _feature_dim(module: nn.Module, given: Tensor) -> int | None:
    """Return the dimension of what a layer is given, or returns, in which units lie."""
    if has_fixed_inputs(module):
        return -1
    if matrix_kind(module):
        return kind_of(module).features
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        return -1 - len(module.kernel_size)
    dim, tensors = norm_dim(module), unit_tensors(module)
    size = len(next(iter(tensors.values()))) if tensors else None
    if dim is not None and size is not None and given.shape[dim] != size:
        # A norm of another library that takes maps.
        return 1 if given.dim() > 1 and given.shape[1] == size else None
    return dim


def _equal(old: Tensor, new: Tensor) -> Tensor:
    return (old == new) | (old.isnan() & new.isnan()) if old.is_floating_point() else old == new

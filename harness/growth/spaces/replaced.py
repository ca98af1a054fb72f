"""Tensors that are replaced by bigger ones, and where their old entries lie in those."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from harness.growth.record import Carried, Moments

__all__ = ["Replaced"]


@dataclass
class _Replacement:
    """One parameter, perhaps grown along several dimensions."""

    old: nn.Parameter
    new: nn.Parameter
    kept: dict[int, Tensor]
    units: int


class Replaced:
    """Replaces tensors and sizes of modules, which stay the same objects, and records it for the optimizer."""

    def __init__(self, moments: Moments) -> None:
        self.moments = moments
        self._replacements: dict[tuple[int, str], _Replacement] = {}

    def tensor(
        self, module: nn.Module, name: str, values: Tensor, dim: int, kept: Tensor, *, units: int | None = None
    ) -> None:
        """Replace a tensor of `module` by `values`, in which the old entries lie at `kept` along `dim`.

        The new tensor takes device, type, `requires_grad` and marks of the old one. `units` is the dimension
        along which moments are averaged, `dim` unless given.
        """
        old = getattr(module, name)
        content = values.to(old, copy=True).contiguous()
        if not isinstance(old, nn.Parameter):
            setattr(module, name, content)
            return
        new = nn.Parameter(content, requires_grad=old.requires_grad)
        vars(new).update(vars(old))  # marks such as those for weight decay
        setattr(module, name, new)
        key = (id(module), name)
        if known := self._replacements.get(key):
            known.new, known.kept[dim] = new, kept
        else:
            self._replacements[key] = _Replacement(old, new, {dim: kept}, dim if units is None else units)

    def add(self, module: nn.Module, names: tuple[str, ...], added: int) -> None:
        """Add to the sizes that `module` has."""
        for name in names:
            size = vars(module).get(name)
            if isinstance(size, tuple):
                setattr(module, name, (*size[:-1], size[-1] + added))
            elif isinstance(size, int):
                setattr(module, name, size + added)

    def carried(self) -> tuple[Carried, ...]:
        """Return the record of the parameters."""
        return tuple(
            Carried(item.old, item.new, _region(item), self.moments, item.units) for item in self._replacements.values()
        )


def _region(item: _Replacement) -> tuple[slice | Tensor, ...]:
    """Return the index of the old entries: slices where they come first."""
    region: list[slice | Tensor] = []
    places = {dim: kept for dim, kept in item.kept.items() if not torch.equal(kept, torch.arange(len(kept)))}
    for dim, size in enumerate(item.old.shape):
        if dim not in places:
            region.append(slice(0, size))
        elif len(places) > 1 and dim == min(places):
            region.append(places[dim][:, None])
        else:
            region.append(places[dim])
    return tuple(region)

"""Copying the weights of an old network into a new one, where they fit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from harness.core.errors import ModulePathError
from harness.core.spec import did_you_mean

__all__ = ["TransferReport", "transfer"]


@dataclass(frozen=True)
class TransferReport:
    """What a transfer did, by names as in `named_parameters` and `named_buffers`.

    Attributes:
        copied: by name in the target, the name in the source of the tensor that was copied.
        overlapping: the same for tensors of different sizes, of which only the common part was copied.
        initialized: names of the target's tensors that were not changed.
        left: names of the source's tensors that were not copied.
    """

    copied: Mapping[str, str]
    overlapping: Mapping[str, str]
    initialized: tuple[str, ...]
    left: tuple[str, ...]


def transfer(
    source: nn.Module, target: nn.Module, mapping: Mapping[str, str | None] | None = None, *, overlap: bool = False
) -> TransferReport:
    """Copy into `target` each parameter and buffer of `source` that fits.

    Tensors of the same name and shape are copied. In networks of different depth the same name may belong to another
    layer: `mapping` then says which names correspond. The target's parameters are changed in place, so an optimizer
    that holds them remains valid; they keep their device and type.

    Args:
        source: the old network; it is only read.
        target: the new network.
        mapping: by name in the target, the name in the source, or None for what is not to change. A name is that of a
            tensor, or of a module for all tensors in it that fit; `""` is the whole network. Tensors named here are
            not matched by equal names as well.
        overlap: whether the common part of tensors of different sizes is copied: the first rows, the first columns.

    Raises:
        ModulePathError: a name in `mapping` does not exist, or a tensor in it does not fit; nothing was copied.
    """
    old, new = dict(_tensors(source)), dict(_tensors(target))
    _check_names(old, new, mapping or {})
    fitting, parts = {}, {}
    for name, other in _pairs(old, new, mapping or {}).items():
        if _fits(old[other], new[name]):
            fitting[name] = other
        elif overlap and old[other].dim() == new[name].dim():
            parts[name] = other
        elif name in (mapping or {}):
            raise ModulePathError(
                f"expected {other!r} to fit {name!r} of shape {tuple(new[name].shape)}, found "
                f"{tuple(old[other].shape)}; leave it out of the mapping or say overlap=True"
            )
    _copy(old, new, {**fitting, **parts})
    moved = {*fitting.values(), *parts.values()}
    return TransferReport(
        fitting,
        parts,
        initialized=tuple(name for name in new if name not in fitting and name not in parts),
        left=tuple(name for name in old if name not in moved),
    )


def _tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from model.named_parameters()
    yield from model.named_buffers()


def _fits(old: Tensor, new: Tensor) -> bool:
    return old.shape == new.shape and old.is_floating_point() == new.is_floating_point()


def _check_names(old: Mapping[str, Tensor], new: Mapping[str, Tensor], mapping: Mapping[str, str | None]) -> None:
    for names, known, where in ((mapping, new, "target"), (mapping.values(), old, "source")):
        for name in names:
            if name is not None and not any(_within(tensor, name) for tensor in known):
                raise ModulePathError(f"no tensor or module {name!r} in the {where}.{did_you_mean(name, known)}")


def _pairs(old: Mapping[str, Tensor], new: Mapping[str, Tensor], mapping: Mapping[str, str | None]) -> dict[str, str]:
    """Return by name in the target the name in the source of what is to be copied, if it fits."""
    named = [name for name in mapping.values() if name is not None]
    pairs: dict[str, str] = {}
    for name in new:
        entry = _mapped(name, mapping)
        if entry is not None:
            other = _moved(name, entry, mapping[entry])
        else:
            other = None if any(_within(name, taken) for taken in named) else name
        if other is not None and other in old:
            pairs[name] = other
    return pairs


def _moved(name: str, module: str, other: str | None) -> str | None:
    """Return the name of what `name`, a tensor in `module`, corresponds to if `module` corresponds to `other`."""
    if other is None:
        return None
    rest = name.removeprefix(module).removeprefix(".")
    return ".".join(part for part in (other, rest) if part)


def _mapped(name: str, mapping: Mapping[str, str | None]) -> str | None:
    """Return the longest name in `mapping` that is `name` or that of a module around it."""
    return max((key for key in mapping if _within(name, key)), key=len, default=None)


def _within(name: str, module: str) -> bool:
    return not module or name == module or name.startswith(f"{module}.")


def _copy(old: Mapping[str, Tensor], new: Mapping[str, Tensor], pairs: Mapping[str, str]) -> None:
    with torch.no_grad():
        for name, other in pairs.items():
            region = tuple(slice(0, min(sizes)) for sizes in zip(new[name].shape, old[other].shape, strict=True))
            new[name][region].copy_(old[other][region])

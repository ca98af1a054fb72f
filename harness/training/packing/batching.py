"""Calling a function that was written for one network with the tensors of several.

`torch.vmap` does the same, and loads torch's compiler for it, which takes seconds. Its rules for operations are torch's
own; an operation without a rule is called network by network, which changes no bit.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

__all__ = ["at_once", "is_mapped", "mapped", "outside", "unmapped"]

_rules = torch._C._functorch  # noqa: SLF001
Named = Mapping[str, Tensor]
LEVEL = 1  # of the map, since there is none around it


def at_once(function: Callable[..., dict[str, Tensor]], count: int, *arguments: Tensor | Named) -> dict[str, Tensor]:
    """Return what `function` returns for each of `count` rows of the arguments, `[K, ...]` by name.

    Raises:
        RuntimeError: the function asks for values, or draws random numbers.
    """
    _rules._set_vmap_fallback_warning_enabled(False)  # type: ignore[attr-defined]  # noqa: SLF001
    _rules._vmap_increment_nesting(count, "error")  # noqa: SLF001
    try:
        rows = function(*(_rows(argument) for argument in arguments))
        return {name: _rules._remove_batch_dim(value, LEVEL, count, 0) for name, value in rows.items()}  # noqa: SLF001
    finally:
        _rules._vmap_decrement_nesting()  # noqa: SLF001
        _rules._set_vmap_fallback_warning_enabled(True)  # type: ignore[attr-defined]  # noqa: SLF001


@contextmanager
def outside(count: int) -> Iterator[None]:
    """Leave the map of `count` rows for the length of the block, in which tensors are what they are."""
    _rules._vmap_decrement_nesting()  # noqa: SLF001
    try:
        yield
    finally:
        _rules._vmap_increment_nesting(count, "error")  # noqa: SLF001


def is_mapped(value: Any) -> bool:
    """Return whether `value` stands for a tensor of each network."""
    return isinstance(value, Tensor) and bool(_rules.is_batchedtensor(value))


def unmapped(value: Tensor, count: int) -> Tensor:
    """Return the tensors `[K, ...]` for which `value` stands."""
    rows: Tensor = _rules._remove_batch_dim(value, LEVEL, count, 0)  # noqa: SLF001
    return rows


def mapped(rows: Tensor) -> Tensor:
    """Return what stands for each row of `[K, ...]`."""
    value: Tensor = _rules._add_batch_dim(rows, 0, LEVEL)  # noqa: SLF001
    return value


def _rows(argument: Tensor | Named) -> Tensor | dict[str, Tensor]:
    if isinstance(argument, Tensor):
        return mapped(argument)
    return {name: mapped(value) for name, value in argument.items()}

"""Calling a function that was written for one network with the tensors of several.

`torch.vmap` does the same, and loads torch's compiler for it, which takes seconds. Its rules for operations are torch's
own; an operation without a rule is called network by network, which changes no bit.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

__all__ = ["at_once"]

_rules = torch._C._functorch  # noqa: SLF001
Named = Mapping[str, Tensor]


def at_once(function: Callable[..., dict[str, Tensor]], count: int, *arguments: Tensor | Named) -> dict[str, Tensor]:
    """Return what `function` returns for each of `count` rows of the arguments, `[K, ...]` by name.

    Raises:
        RuntimeError: the function asks for values, or draws random numbers.
    """
    _rules._set_vmap_fallback_warning_enabled(False)  # type: ignore[attr-defined]  # noqa: SLF001
    level = _rules._vmap_increment_nesting(count, "error")  # noqa: SLF001
    try:
        rows = function(*(_rows(argument, level) for argument in arguments))
        return {name: _rules._remove_batch_dim(value, level, count, 0) for name, value in rows.items()}  # noqa: SLF001
    finally:
        _rules._vmap_decrement_nesting()  # noqa: SLF001
        _rules._set_vmap_fallback_warning_enabled(True)  # type: ignore[attr-defined]  # noqa: SLF001


def _rows(argument: Tensor | Named, level: int) -> Tensor | dict[str, Tensor]:
    if isinstance(argument, Tensor):
        return _rules._add_batch_dim(argument, 0, level)  # noqa: SLF001
    return {name: _rules._add_batch_dim(value, 0, level) for name, value in argument.items()}  # noqa: SLF001

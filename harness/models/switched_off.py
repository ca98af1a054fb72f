"""A branch that is switched off."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from harness.core.errors import ModulePathError
from harness.models.call import FAILURES, call, map_tensors, tensors_in
from harness.models.eval_mode import without_side_effects
from harness.models.growable import GrowableModel
from harness.models.paths import module_at
from harness.models.resized_batch import with_examples

__all__ = ["SwitchedOff", "switch_branch"]


class SwitchedOff(nn.Module):
    """Holds the module `branch` without calling it, and returns a zero: a sum is the same without the branch.

    The zero is one number, `[]`, of the type of the first input. Only a term of a sum can be switched off so.

    Args:
        branch: the module.
        like: an output of it, in whose place the branch returns zeros: (features, state) of attention is unpacked to
            two of them. What is no tensor becomes None.
    """

    like: Any = None

    def __init__(self, branch: nn.Module, like: Any = None) -> None:
        super().__init__()
        self.branch = branch
        self.like = None if isinstance(like, Tensor) else _without_values(like)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return zero, or what `like` is with zeros in it."""
        inputs = next(tensors_in([*args, *kwargs.values()]))
        return self.filled(inputs.new_zeros(()))

    def filled(self, zero: Any) -> Any:
        """Return what the branch returns, with `zero` in place of each tensor."""
        return zero if self.like is None else map_tensors(lambda _: zero, self.like)


def _without_values(output: Any) -> Any:
    """Return `output` with empty tensors in place of its tensors, and None in place of anything else."""
    if isinstance(output, Tensor):
        return torch.empty(0)
    if isinstance(output, Mapping):
        changed: Any = copy.copy(output)
        for name in output:
            changed[name] = _without_values(output[name])
        return changed
    if isinstance(output, tuple | list):
        parts = [_without_values(part) for part in output]
        return type(output)(*parts) if hasattr(output, "_fields") else type(output)(parts)
    return None


def switch_branch(model: nn.Module, path: str, *, on: bool, inputs: Any = None) -> None:
    """Switch the module at `path` on or off, wherever it is used; values, modes, hooks and names in it are kept.

    With `inputs`, a batch, the network is called with and without the branch, and must run without it.

    Raises:
        ModulePathError: there is no such module, it is the network, it is on or off already, a head reads it, or the
            network cannot do without it.
    """
    module = module_at(model, path)
    if isinstance(module, SwitchedOff) == (not on):
        off = [name for name, part in model.named_modules() if isinstance(part, SwitchedOff)]
        state = "on" if on else "off"
        raise ModulePathError(f"expected a branch that is not {state}, found {path!r}; those that are off: {off}")
    _check(model, path)
    if isinstance(module, SwitchedOff):
        _put(model, module, module.branch)
        return
    few = None if inputs is None else _few(model, inputs)
    new = SwitchedOff(module, _output_by_type(module) if few is None else _output_of(model, module, few))
    new.training = module.training  # and not `train`, which would reach into the branch
    before = None if few is None else _shapes(model, few)
    _put(model, module, new)
    if why := _why_not(model, few, before):
        _put(model, new, module)
        raise ModulePathError(
            f"expected a branch that is a term of a sum at {path!r}, found that the network {why} without; switch off "
            "one that is added to others"
        )


def _why_not(model: nn.Module, inputs: Any, before: Any) -> str | None:
    """Return what is wrong with the network; its outputs for `inputs` must have the shapes that they had before."""
    if before is None:
        return None
    try:
        after = _shapes(model, inputs)
    except FAILURES as error:
        return f"cannot run ({str(error).strip().splitlines()[0]})"
    return None if after == before else "returns something else"


def _output_by_type(module: nn.Module) -> Any:
    """Return what is like an output of `module`, if its type says that it is no tensor."""
    nothing = torch.empty(0)
    if isinstance(module, nn.LSTM):
        return nothing, (nothing, nothing)
    return (nothing, nothing) if isinstance(module, nn.RNNBase | nn.MultiheadAttention) else None


def _put(model: nn.Module, old: nn.Module, new: nn.Module) -> None:
    for name in [name for name, held in model.named_modules(remove_duplicate=False) if held is old]:
        model.set_submodule(name, new)


def _shapes(model: nn.Module, inputs: Any) -> list[torch.Size]:
    """Return the shapes of what `model` returns for `inputs`."""
    with without_side_effects(model, inputs):
        return [tensor.shape for tensor in tensors_in(call(model, inputs))]


def _few(model: nn.Module, inputs: Any) -> Any:
    """Return two examples of a batch; all of them if the network takes no other number."""
    few = with_examples(inputs, 2)
    try:
        _shapes(model, few)
    except FAILURES:
        return inputs
    return few


def _output_of(model: nn.Module, module: nn.Module, inputs: Any) -> Any:
    """Return what `module` returns when the network is called, None if it is not called."""
    outputs: list[Any] = []
    handle = module.register_forward_hook(lambda _module, _inputs, output: outputs.append(output))
    try:
        _shapes(model, inputs)
    finally:
        handle.remove()
    return outputs[-1] if outputs else None


def _check(model: nn.Module, path: str) -> None:
    if not path:
        raise ModulePathError("expected a branch of the network, found the network itself; name a module in it")
    if not isinstance(model, GrowableModel):
        return
    name = path.removeprefix("heads.")
    if path != name and name in model.heads:
        raise ModulePathError(f"expected a branch, found the head {path!r}; say name={name!r} instead of a path")
    readers = _readers(model.taps, path)
    if readers:
        raise ModulePathError(
            f"expected a branch that no head reads, found that {readers[0]!r} reads {model.taps[readers[0]]!r}; "
            "it cannot be switched"
        )


def _readers(taps: Mapping[str, str], path: str) -> list[str]:
    return [head for head, tap in taps.items() if f"{tap}.".startswith(f"{path}.")]

"""A branch that is switched off."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from harness.core.errors import ModulePathError
from harness.models.growable import GrowableModel
from harness.models.paths import module_at

__all__ = ["SwitchedOff", "switch_branch"]


class SwitchedOff(nn.Module):
    """Holds the module `branch` without calling it, and returns a zero: a sum is the same without the branch.

    The zero is one number, `[]`, of the type of the first input. Only a term of a sum can be switched off so.
    """

    def __init__(self, branch: nn.Module) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, *args: Any, **kwargs: Any) -> Tensor:
        """Return zero."""
        inputs = next(value for value in (*args, *kwargs.values()) if isinstance(value, Tensor))
        return inputs.new_zeros(())


def switch_branch(model: nn.Module, path: str, *, on: bool) -> None:
    """Switch the module at `path` on or off, wherever it is used; values, modes, hooks and names in it are kept.

    Raises:
        ModulePathError: there is no such module, it is the network, it is on or off already, or a head reads it.
    """
    module = module_at(model, path)
    if isinstance(module, SwitchedOff) == (not on):
        off = [name for name, part in model.named_modules() if isinstance(part, SwitchedOff)]
        state = "on" if on else "off"
        raise ModulePathError(f"expected a branch that is not {state}, found {path!r}; those that are off: {off}")
    _check(model, path)
    new = module.branch if isinstance(module, SwitchedOff) else SwitchedOff(module)
    if isinstance(new, SwitchedOff):
        new.training = module.training  # and not `train`, which would reach into the branch
    paths = [name for name, held in model.named_modules(remove_duplicate=False) if held is module]
    for name in paths:
        model.set_submodule(name, new)


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

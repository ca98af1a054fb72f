"""Module paths: how people name a module of a network, and how it is replaced.

In a `GrowableModel` a path is one of the backbone's, or `heads.<name>...` for a head that was attached; so a study says
`fc` whether or not its network is wrapped.
"""

from torch import nn

from harness.core.errors import ModulePathError
from harness.core.spec import did_you_mean
from harness.models.growable import GrowableModel

__all__ = ["full_path", "module_at", "replace_module", "short_path"]


def full_path(model: nn.Module, path: str) -> str:
    """Return `path` as `model.get_submodule` wants it."""
    if isinstance(model, GrowableModel) and not path.startswith("heads."):
        return f"backbone.{path}" if path else "backbone"
    return path


def short_path(model: nn.Module, name: str) -> str:
    """Return the path of which `name`, as in `named_modules`, is the full one."""
    if isinstance(model, GrowableModel) and not name.startswith("heads."):
        return name.removeprefix("backbone").removeprefix(".")
    return name


def module_at(model: nn.Module, path: str) -> nn.Module:
    """Return the module at `path`.

    Raises:
        ModulePathError: there is none; the message names those there are.
    """
    try:
        return model.get_submodule(full_path(model, path))
    except AttributeError:
        root = model.backbone if isinstance(model, GrowableModel) else model
        names = [name for name, _ in root.named_modules() if name]
        raise ModulePathError(f"no module {path!r} in {type(root).__name__}.{did_you_mean(path, names)}") from None


def replace_module(model: nn.Module, path: str, new: nn.Module) -> None:
    """Replace the module at `path` by `new`.

    The training mode and all forward and backward hooks move to `new`: hooks belong to the path. Only hooks with an
    attribute `stays`, which are a part of what the old module computes, stay with the old module.
    """
    old = module_at(model, path)
    new.train(old.training)
    tables = [(getattr(old, attribute), getattr(new, attribute)) for attribute in HOOKS]
    staying = {key for table, _ in tables for key, hook in table.items() if getattr(hook, "stays", False)}
    for table, other in tables:
        for key in [key for key in table if key not in staying]:
            other[key] = table.pop(key)
    model.set_submodule(full_path(model, path), new)


HOOKS = (
    "_backward_hooks",
    "_backward_pre_hooks",
    "_forward_hooks",
    "_forward_hooks_always_called",
    "_forward_hooks_with_kwargs",
    "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs",
)

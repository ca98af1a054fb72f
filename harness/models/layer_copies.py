"""Copies of a layer that share with the rest of the network what the layer shares with it."""

import copy
from typing import Any

from torch import nn

from harness.core.errors import ModulePathError

__all__ = ["copied_layer", "pairs_of_parameters"]


def copied_layer(model: nn.Module, layer: nn.Module, path: str) -> nn.Module:
    """Return a copy of `layer`, which lies at `path` of `model`.

    Weights, modules, configs and whatever else is held outside of the layer, too, is not copied.

    Raises:
        ModulePathError: it holds something that cannot be copied.
    """
    shared: dict[int, Any] = {}
    for module in _outside(model, layer):
        held = [module, *module.parameters(recurse=False), *module.buffers(recurse=False), *vars(module).values()]
        shared |= {id(value): value for value in held}
    try:
        twin = copy.deepcopy(layer, shared)
    except (RuntimeError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        raise ModulePathError(
            f"expected a layer that can be copied at {path!r}, found one that cannot: {reason}"
        ) from None
    for old, new in pairs_of_parameters(layer, twin):
        vars(new).update(vars(old))  # marks such as those for weight decay
    return twin


def pairs_of_parameters(layer: nn.Module, twin: nn.Module) -> list[tuple[nn.Parameter, nn.Parameter]]:
    """Return each parameter of `layer` with its copy in `twin`, leaving out those that they share."""
    pairs = zip(layer.parameters(), twin.parameters(), strict=True)
    return [(old, new) for old, new in pairs if old is not new]


def _outside(model: nn.Module, layer: nn.Module) -> list[nn.Module]:
    """Return the modules that the network reaches without going through `layer`."""
    found: dict[int, nn.Module] = {}
    waiting = [model]
    while waiting:
        module = waiting.pop()
        if module is not layer and id(module) not in found:
            found[id(module)] = module
            waiting += module.children()
    return list(found.values())

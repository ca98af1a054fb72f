"""Parameters in plain attributes of modules, such as a list of those that a penalty sums over.

torch knows nothing of them, so after a growth they would be tensors that nobody trains any more.
"""

from collections.abc import Collection, Mapping
from typing import Any

from torch import nn

from harness.core.errors import ModulePathError

__all__ = ["check_attributes"]

COLLECTIONS = (list, tuple, set, frozenset)
TABLES = ("_parameters", "_buffers", "_modules")


def check_attributes(model: nn.Module, gone: Collection[nn.Parameter]) -> None:
    """Check that no attribute of a module holds a parameter that is `gone`, or a module with one.

    Raises:
        ModulePathError: one does; the message names it.
    """
    stale = {id(parameter) for parameter in gone}
    for path, module in model.named_modules() if stale else ():
        for name, value in vars(module).items():
            if name not in TABLES and not name.endswith("_hooks") and _holds(value, stale):
                raise ModulePathError(
                    f"expected parameters that this growth replaces in their layers alone, found one in the attribute "
                    f"{'.'.join(filter(None, (path, name)))!r} of {type(module).__name__}, where it would be "
                    "out of date; make that a property, which reads them from the layers whenever it is asked"
                )


def _holds(value: Any, stale: set[int]) -> bool:
    if isinstance(value, nn.Parameter):
        return id(value) in stale
    if isinstance(value, nn.Module):
        return any(id(parameter) in stale for parameter in value.parameters())
    if isinstance(value, Mapping):
        return any(_holds(item, stale) for pair in value.items() for item in pair)
    return isinstance(value, COLLECTIONS) and any(_holds(item, stale) for item in value)

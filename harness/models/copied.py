"""A copy of a network as it stands, whatever its modules keep of a forward pass."""

import copy
from typing import TypeVar

from torch import Tensor, nn

from harness.core.errors import ModulePathError

__all__ = ["copied"]

M = TypeVar("M", bound=nn.Module)


def copied(model: M, *, purpose: str) -> M:
    """Return a copy of `model` that shares no tensor with it; `purpose` is what it is for, as an error says.

    Raises:
        ModulePathError: `model` holds something that cannot be copied.
    """
    # What modules keep of a forward pass is part of a graph, and torch copies none.
    kept = [value for module in model.modules() for value in vars(module).values() if isinstance(value, Tensor)]
    memo = {id(value): value.detach() for value in kept if not value.is_leaf}
    try:
        return copy.deepcopy(model, memo)
    except Exception as error:
        why = str(error).splitlines()[0].partition(". ")[0]
        raise ModulePathError(
            f"expected a network that can be copied, to {purpose}, found that {type(model).__name__} cannot "
            f"be: {why}; let no module hold such a thing while the network grows"
        ) from error

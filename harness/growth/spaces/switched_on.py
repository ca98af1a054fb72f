"""A network with everything switched on: what is off must grow as well, to fit when it is switched on again."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from harness.models.growable import GrowableModel
from harness.models.inserted import Inserted
from harness.models.switched_off import SwitchedOff

__all__ = ["all_switched_on"]


@contextmanager
def all_switched_on(model: nn.Module) -> Iterator[None]:
    """Switch on all heads, inserted layers and branches of `model`, and those off again that were."""
    off = {module: _switch_on(module) for module in model.modules() if _is_off(module)}
    try:
        yield
    finally:
        for module, attributes in off.items():
            vars(module).pop("forward", None)
            vars(module).update(attributes)


def _is_off(module: nn.Module) -> bool:
    if isinstance(module, GrowableModel):
        return bool(module.off)
    return isinstance(module, SwitchedOff) or (isinstance(module, Inserted) and not module.on)


def _switch_on(module: nn.Module) -> dict[str, object]:
    """Switch `module` on, and return its attributes as they were."""
    if isinstance(module, SwitchedOff):
        vars(module)["forward"] = module.branch
        return {}
    changed: dict[str, object] = {"off": set()} if isinstance(module, GrowableModel) else {"on": True}
    before = {name: vars(module)[name] for name in changed}
    vars(module).update(changed)
    return before

"""How torch keeps the tensors of a normed weight: in a parametrization of the layer, or for a hook of its."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from harness.growth.computed_weights._base import AbstractComputedWeight

__all__ = ["AbstractNormedWeight", "InHook", "InParametrization", "Storage"]

Slot = tuple[nn.Module, str]


class InParametrization:
    """A parametrization, which is a child of the layer; the layer's class has a property in place of the weight."""

    def __init__(self, layer: nn.Module, slots: dict[str, Slot]) -> None:
        self.layer = layer
        self.norm: Any = layer.get_submodule("parametrizations.weight.0")
        self.slots = slots
        self.kind = type(layer)
        self.child = layer.get_submodule("parametrizations")

    @classmethod
    def norm_of(cls, layer: nn.Module) -> nn.Module | None:
        """Return the one thing that computes the weight of `layer`, if it is a parametrization."""
        if not is_parametrized(layer, "weight"):
            return None
        parts = list(layer.get_submodule("parametrizations.weight").children())
        only = len(dict(layer.get_submodule("parametrizations").named_children())) == 1
        return parts[0] if len(parts) == 1 and only else None

    def value(self) -> Tensor:
        """Return the weight, without an iteration of the power method."""
        mode = self.norm.training
        self.norm.training = False
        try:
            return self.layer.weight.detach().clone()  # type: ignore[operator]
        finally:
            self.norm.training = mode

    def open(self, plain: nn.Parameter) -> None:
        """Put `plain` in the place of the computed weight."""
        del vars(self.layer)["_modules"]["parametrizations"]
        self.layer.__class__ = self.kind.__bases__[0]
        self.layer.register_parameter("weight", plain)

    def close(self) -> None:
        """Undo `open`."""
        vars(self.layer)["_parameters"].pop("weight", None)
        self.layer.__class__ = self.kind
        vars(self.layer)["_modules"]["parametrizations"] = self.child


class InHook:
    """A hook, which computes the weight before each forward pass, as an attribute that is no parameter."""

    def __init__(self, layer: nn.Module, hook: Any, slots: dict[str, Slot], compute: Callable[[], Tensor]) -> None:
        self.layer = layer
        self.slots = slots
        self.compute = compute
        self.hooks = dict(vars(layer)["_forward_pre_hooks"])
        self.hook = hook

    @classmethod
    def hook_of(cls, layer: nn.Module, kind: type[Any]) -> Any:
        """Return the hook of the class `kind` that computes the weight of `layer`, or None."""
        hooks = vars(layer)["_forward_pre_hooks"].values()
        return next((hook for hook in hooks if isinstance(hook, kind) and hook.name == "weight"), None)

    def value(self) -> Tensor:
        """Return the weight."""
        return self.compute().detach().clone()

    def open(self, plain: nn.Parameter) -> None:
        """Put `plain` in the place of the computed weight."""
        table = vars(self.layer)["_forward_pre_hooks"]
        for key in [key for key, hook in table.items() if hook is self.hook]:
            del table[key]
        vars(self.layer).pop("weight", None)
        self.layer.register_parameter("weight", plain)

    def close(self) -> None:
        """Undo `open`."""
        vars(self.layer)["_parameters"].pop("weight", None)
        table = vars(self.layer)["_forward_pre_hooks"]
        table.clear()
        table.update(self.hooks)
        self.layer.weight = self.value()


Storage = InParametrization | InHook


class AbstractNormedWeight(AbstractComputedWeight):
    """A weight that is another one, divided by a norm of it."""

    def __init__(self, path: str, storage: Storage) -> None:
        self.path = path
        self.layer = storage.layer
        self.storage = storage
        trained = any(slot.requires_grad for slot in map(self.tensor, storage.slots))
        self.plain = nn.Parameter(storage.value(), requires_grad=trained)

    def tensor(self, role: str) -> Tensor:
        """Return the tensor that has a role in the computation."""
        module, name = self.storage.slots[role]
        tensor: Tensor = getattr(module, name)
        return tensor

    def open(self) -> None:
        """Let the layer hold a plain parameter with the values of the computed weight."""
        self.storage.open(self.plain)

    def close(self) -> None:
        """Let the layer compute its weight again, from the tensors of before."""
        self.storage.close()

    def refresh(self) -> None:
        """Let a layer whose weight is an attribute have it computed from the tensors that it has now."""
        if isinstance(self.storage, InHook):
            with torch.no_grad():
                self.layer.weight = self.storage.value()

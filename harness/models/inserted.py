"""A layer after any module; all existing modules and tensors keep their names.

A wrapper around the module would put a prefix before the names of its tensors, and a new item of a `Sequential` would
shift the names after it: checkpoints, learning-rate rules and logs that go by name would then mean another layer. So
the new layer becomes a child of the module whose output it changes, and a forward hook sends the output through it.
The hook holds the child's name and not the child, so that in a deep copy or a pickle it calls the copy's child. A
`Sequential` needs no hook, since it calls its children in order.

Forward hooks that the module had before still see its own output. Hooks that are registered later, such as a head's at
this tap, see the output of the new layer.
"""

from typing import Any

from torch import Tensor, nn

from harness.core.errors import ModulePathError, SpecError
from harness.core.spec import did_you_mean
from harness.models.call import call
from harness.models.eval_mode import without_side_effects
from harness.models.features import check_features, first_of, in_words, with_first
from harness.models.find_layout import find_layout
from harness.models.layout import in_standard_order, standard_layout, to_layout
from harness.models.paths import module_at

__all__ = ["Inserted", "Through", "features_after", "first_of", "insert", "inserted_after", "switch", "with_first"]


class Inserted(nn.Module):
    """A layer that can be switched off.

    Args:
        layer: features `[B, ...]` to features of the same shape.
        residual: whether the features are added to its output.
        flag: a name by which it is switched, perhaps together with other layers.
        on: whether it is switched on; if not, the features pass unchanged and `layer` is not called.
        layout: of the features, if it is not that of `standard_layout`, which the layer gets.
    """

    layout: str | None = None  # also of layers that were pickled before there was a choice

    def __init__(
        self,
        layer: nn.Module,
        *,
        residual: bool,
        flag: str | None = None,
        on: bool = True,
        layout: str | None = None,
    ) -> None:
        super().__init__()
        self.layout = layout
        self.layer = layer
        self.residual = residual
        self.flag = flag
        self.on = on

    def forward(self, features: Tensor) -> Tensor:
        """Map features `[B, ...]` to features of the same shape."""
        return self.changed(features) if self.on else features

    def changed(self, features: Tensor) -> Tensor:
        """Return its output for `features` `[B, ...]` when it is on."""
        result = self.layer(features) if self.layout is None else self._in_layout(self.layout, features)
        return features + result if self.residual else result

    def _in_layout(self, layout: str, features: Tensor) -> Tensor:
        standard = in_standard_order(layout)
        result: Tensor = self.layer(to_layout(features, layout, standard))
        return to_layout(result, standard, layout).contiguous()


class Through:
    """A forward hook that sends the output of a module through its child `name`."""

    stays = True  # with its module, if another replaces that one

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, module: nn.Module, _inputs: Any, output: Any) -> Any:
        """Return `output` with its features, the first of a tuple, changed."""
        return with_first(output, module.get_submodule(self.name)(first_of(output)))


def insert(module: nn.Module, name: str, layer: nn.Module) -> None:
    """Make `layer` the child `name` of `module`, and let the output of `module` pass through it."""
    module.add_module(name, layer)
    if type(module).forward is not nn.Sequential.forward:
        # Not under a number: in another process torch gives those in a pickle to other hooks, which take their place.
        vars(module)["_forward_hooks"][f"through {name}"] = Through(name)


def take_out(module: nn.Module, name: str) -> None:
    """Undo `insert`."""
    delattr(module, name)
    hooks = vars(module)["_forward_hooks"]
    for key in [key for key, hook in hooks.items() if isinstance(hook, Through) and hook.name == name]:
        del hooks[key]


def inserted_after(module: nn.Module) -> list[str]:
    """Return the names of the children that a hook sends the output of `module` through, in order."""
    return [hook.name for hook in vars(module)["_forward_hooks"].values() if isinstance(hook, Through)]


def switch(model: nn.Module, flag: str, *, on: bool) -> None:
    """Switch all inserted layers of `flag` on or off; no value is touched, and what is off gets no gradient.

    Raises:
        SpecError: there is no such flag.
    """
    layers = [module for module in model.modules() if isinstance(module, Inserted)]
    if flag not in [layer.flag for layer in layers]:
        known = sorted({layer.flag for layer in layers if layer.flag is not None})
        raise SpecError(f"no inserted layer has the flag {flag!r}.{did_you_mean(flag, known)}")
    for layer in layers:
        if layer.flag == flag:
            layer.on = on


def features_after(
    model: nn.Module, path: str, name: str, inputs: Any, layout: str | None = None
) -> tuple[Tensor, str | None]:
    """Return the features that a layer inserted as child `name` of the module at `path` would get, and their layout.

    The model runs without side effects, with a layer inserted there that only keeps its input.

    Args:
        model: the network.
        path: of the module.
        name: of the new child.
        inputs: a batch.
        layout: of the features; it is told from the network by default.

    Returns:
        The features, and None for that of `standard_layout`.

    Raises:
        ModulePathError: there is no such module, or the layer would not be called exactly once, or not with features.
        TapNotFoundError: their layout cannot be told.
    """
    module, listener, where = module_at(model, path), _Listener(), f"after {path!r}"
    insert(module, name, listener.eval())
    try:
        with without_side_effects(model, inputs), in_words(where):
            call(model, inputs)
        features = _received(listener, path)
        if layout is None:
            return features, find_layout(model, listener, inputs, features, where, typed=module)
    finally:
        take_out(module, name)
    if len(layout) != features.dim():
        raise ModulePathError(f"expected features {layout} {where}, found {list(features.shape)}; say another layout")
    return features, None if layout == standard_layout(features.dim()) else layout


def _received(listener: "_Listener", path: str) -> Tensor:
    if listener.calls != 1:
        why = "it is not used as a module" if not listener.calls else "it is shared, or loops over its children"
        raise ModulePathError(
            f"expected a layer after {path!r} to be called once in a forward pass, found {listener.calls} calls: "
            f"{why}; insert it after a module within, or after the one around it"
        )
    return check_features(listener.received, f"after {path!r}", ModulePathError)


class _Listener(nn.Module):
    """Returns its input, and keeps it."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: int = 0
        self.received: Any = None

    def forward(self, features: Any) -> Any:
        """Return `features`."""
        self.calls += 1
        self.received = features.detach().clone() if isinstance(features, Tensor) else features
        return features

"""An output layer in parts: rows that were added at different times have tensors of their own."""

from typing import Any

import torch
from torch import Tensor, nn

from harness.core.errors import ModulePathError
from harness.models.output_layer import OutputLayer, check_usable, output_layer_like
from harness.models.paths import full_path, module_at, replace_module

__all__ = ["Widened", "check_replaceable", "fuse", "output_parts", "replace_everywhere", "widen"]


class Widened(nn.Module):
    """Output layers that read the same input; their outputs lie side by side along the dimension of the classes.

    `parts.0` is the first layer, unchanged: its outputs are the same to the bit. `weight`, `bias` and the sizes are
    those of all parts together, as if this were one plain layer.
    """

    def __init__(self, *parts: OutputLayer) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map `[..., in]` to `[..., C]`, or maps `[..., in, H, W]` to `[..., C, H, W]`."""
        dim = -1 if isinstance(self.parts[0], nn.Linear) else -3
        return torch.cat([part(inputs) for part in self.parts], dim=dim)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        *_, messages = args
        if f"{prefix}weight" in state_dict:
            messages.append(
                f"expected the rows of {prefix[:-1]!r} in parts, since the network has grown, found one layer; load "
                "this state dict before the growth, or into a network that harness.growth.consolidate has made plain"
            )
        super()._load_from_state_dict(state_dict, prefix, *args)

    @property
    def layers(self) -> tuple[OutputLayer, ...]:
        """The parts, in the order of their birth."""
        return tuple(part for part in self.parts if isinstance(part, OutputLayer))

    @property
    def weight(self) -> Tensor:
        """All rows `[C, in, ...]`; gradients flow back to the parts."""
        return torch.cat([layer.weight for layer in self.layers])

    @property
    def bias(self) -> Tensor | None:
        """All biases `[C]`, or None."""
        biases = [layer.bias for layer in self.layers if layer.bias is not None]
        return torch.cat(biases) if biases else None

    @property
    def in_features(self) -> int:
        """How many inputs a linear layer has."""
        return self.weight.shape[1]

    @property
    def out_features(self) -> int:
        """C, the number of outputs."""
        return sum(len(layer.weight) for layer in self.layers)

    in_channels, out_channels = in_features, out_features


def output_parts(model: nn.Module, path: str) -> tuple[OutputLayer, ...]:
    """Return the output layer at `path`, in its parts; a plain layer is one.

    Raises:
        ModulePathError: there is none, or it is no output layer.
    """
    module = module_at(model, path)
    layers = module.layers if isinstance(module, Widened) else (module,)
    return tuple(check_usable(layer, path, model) for layer in layers)


def widen(model: nn.Module, path: str, part: OutputLayer) -> None:
    """Put the rows of `part` after those of the output layer at `path`.

    Raises:
        ModulePathError: the network is that layer, so no module holds it that could hold a wrapper instead.
    """
    layer = module_at(model, path)
    if isinstance(layer, Widened):
        layer.parts.append(part)
    elif isinstance(layer, OutputLayer):
        replace_everywhere(model, path, Widened(layer, part))


def check_replaceable(model: nn.Module, path: str) -> None:
    """Check that the layer at `path` can be replaced: that another module holds it, or that it is widened already.

    Raises:
        ModulePathError: it is the network itself.
    """
    if not full_path(model, path) and not isinstance(model, Widened):
        raise ModulePathError("expected a layer in a network, found the network itself; wrap it: nn.Sequential(model)")


def replace_everywhere(model: nn.Module, path: str, new: nn.Module) -> None:
    """Replace the module at `path` by `new`, wherever else in `model` that same module is used as well.

    Raises:
        ModulePathError: `path` is the network itself.
    """
    check_replaceable(model, path)
    old = module_at(model, path)
    paths = [name for name, module in model.named_modules(remove_duplicate=False) if module is old]
    replace_module(model, path, new)
    for name in paths:
        model.set_submodule(name, new)


def fuse(module: Widened) -> OutputLayer:
    """Return one plain layer with all rows of `module`; it is trained if a part is."""
    trainable = any(parameter.requires_grad for parameter in module.parameters())
    return output_layer_like(module.layers[0], module.weight, module.bias, trainable=trainable)

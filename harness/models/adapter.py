"""Low-rank adapters (LoRA, arXiv 2106.09685) of linear layers, all names of which stay.

The adapter is a child of its layer, and a forward hook adds what it returns to the layer's output. The hook holds the
child's name, so that in a deep copy or a pickle it calls the copy's child.
"""

from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Adapter", "adapt", "adapters_of", "take_off"]


class Adapter(nn.Module):
    """Maps `[..., in]` to `[..., out]` by `scale * B A x`, with A `[rank, in]` and B `[out, rank]`.

    Args:
        inputs: of its layer.
        rank: r.
        outputs: of its layer.
        scale: alpha / r.
    """

    def __init__(self, inputs: int, rank: int, outputs: int, scale: float) -> None:
        super().__init__()
        self.scale = scale
        self.reading = nn.Linear(inputs, rank, bias=False)
        self.writing = nn.Linear(rank, outputs, bias=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return what is added to the output of the layer that is given `inputs` as well."""
        added: Tensor = self.writing(self.reading(inputs))
        return self.scale * added

    def product(self) -> Tensor:
        """Return `scale * B A` `[out, in]`, float64 on the CPU."""
        reading, writing = (part.weight.detach().double().cpu() for part in (self.reading, self.writing))
        return self.scale * torch.mm(writing, reading)


class _Adding:
    """A forward hook that adds what the child `name` returns."""

    stays = True  # with its module, if another replaces that one
    is_untraced = True

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
        added: Tensor = module.get_submodule(self.name)(args[0])
        return output + added


def adapt(layer: nn.Module, name: str, adapter: Adapter) -> None:
    """Make `adapter` the child `name` of `layer`, and add what it returns to the layer's output."""
    layer.add_module(name, adapter)
    # Not under a number, see `harness.models.inserted`.
    vars(layer)["_forward_hooks"][f"adapter {name}"] = _Adding(name)


def take_off(layer: nn.Module, name: str) -> None:
    """Undo `adapt`."""
    delattr(layer, name)
    del vars(layer)["_forward_hooks"][f"adapter {name}"]


def adapters_of(model: nn.Module, name: str) -> dict[str, nn.Module]:
    """Return, by their full paths, the layers that have an adapter of that name."""
    return {path: layer for path, layer in model.named_modules() if isinstance(getattr(layer, name, None), Adapter)}

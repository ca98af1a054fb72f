"""Writing an initializer's values into a layer."""

import torch
from torch import nn

from harness.initializers._base import AbstractInitializer

__all__ = ["fill_linear"]


def fill_linear(layer: nn.Linear, weight: AbstractInitializer, *, generator: torch.Generator) -> None:
    """Fill `layer`'s weight `[out, in]` and set its bias, if it has one, to zero.

    Values are drawn on the CPU and then moved, so they do not depend on the layer's device.
    """
    fan_out, fan_in = layer.weight.shape
    with torch.no_grad():
        layer.weight.copy_(weight.values((fan_out, fan_in), fan_in, fan_out, generator))
        if layer.bias is not None:
            layer.bias.zero_()

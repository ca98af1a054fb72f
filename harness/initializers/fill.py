"""Writing an initializer's values into parameters."""

import torch
from torch import Tensor, nn

from harness.core.errors import SpecError
from harness.initializers._base import AbstractInitializer, LayerContext

__all__ = ["fill", "fill_linear"]


def fill(tensor: Tensor, init: AbstractInitializer, context: LayerContext, *, generator: torch.Generator) -> None:
    """Write the values of `init` into `tensor`, which can be a slice of a parameter.

    Values are drawn on the CPU in 32 bits and then moved, so they do not depend on device and type.

    Raises:
        SpecError: `init` returns something else than a tensor of that shape.
    """
    shape = tuple(tensor.shape)
    with torch.no_grad():
        values = init.values(shape, context, generator)
        if not isinstance(values, Tensor) or tuple(values.shape) != shape:
            found = f"the shape {tuple(values.shape)}" if isinstance(values, Tensor) else type(values).__name__
            raise SpecError(
                f"expected values() of {init.kind!r} to return a tensor of the shape {shape}, found {found}"
            )
        tensor.copy_(values)


def fill_linear(layer: nn.Linear, weight: AbstractInitializer, *, generator: torch.Generator) -> None:
    """Fill a new layer's weight `[out, in]` and set its bias, if it has one, to zero."""
    fan_out, fan_in = layer.weight.shape
    fill(layer.weight, weight, LayerContext(fan_in, fan_out), generator=generator)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)

"""A convolution."""

from collections import OrderedDict
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from harness.growth.layers._base import (
    AbstractLayer,
    AfterLayer,
    Function,
    KernelSize,
    check_activation,
    check_rectified,
    conv_for,
    fill_layer,
    width_of,
)
from harness.initializers import AbstractInitializer, KaimingUniform
from harness.models.head import ACTIVATIONS

__all__ = ["ConvLayer"]


class ConvLayer(AbstractLayer):
    """A convolution for maps `[B, C, H, W]` or `[B, C, D, H, W]` that keeps their size, perhaps with an activation.

    As the identity its kernel is one at the center and zero elsewhere. Activations are as for a linear layer.
    """

    kind: Literal["conv"] = "conv"
    kernel_size: KernelSize = 3
    activation: AfterLayer = "none"
    init: AbstractInitializer = KaimingUniform()
    functions: ClassVar[tuple[Function, ...]] = ("identity", "residual", "random")

    def check(self, function: Function) -> None:
        """Check that the activation fits `function`. Raises `ValueError` if it does not."""
        super().check(function)
        check_activation(self.activation, function)

    def random(self, shape: torch.Size, generator: torch.Generator) -> nn.Module:
        """Return the layer. Raises `SpecError` for what is no map."""
        channels = width_of(shape, (4, 5), self.kind)
        parts: OrderedDict[str, nn.Module] = OrderedDict(conv=conv_for(shape, (channels, channels), self.kernel_size))
        if self.activation != "none":
            parts["activation"] = ACTIVATIONS[self.activation]()
        fill_layer(parts["conv"], self.init, generator)
        return nn.Sequential(parts)

    def silence(self, layer: nn.Module) -> None:
        """Make all weights zero."""
        nn.init.zeros_(layer.get_parameter("conv.weight"))

    def make_identity(self, layer: nn.Module, features: Tensor) -> None:
        """Make the kernels the identity. Raises `SpecError` if a ReLU would change `features`."""
        check_rectified(self.activation, features)
        nn.init.dirac_(layer.get_parameter("conv.weight"))

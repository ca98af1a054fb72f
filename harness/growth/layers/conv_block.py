"""A residual block of two convolutions."""

from collections import OrderedDict
from typing import Literal

import torch
from pydantic import PositiveInt, model_validator
from torch import nn

from harness.growth.layers._base import AbstractLayer, KernelSize, check_varied, conv_for, fill_layer, width_of
from harness.initializers import AbstractInitializer, KaimingUniform
from harness.models.head import ACTIVATIONS, Activation

__all__ = ["ConvBlock"]


class ConvBlock(AbstractLayer):
    """A convolution to `width` channels, and one back, for maps `[B, C, H, W]` or `[B, C, D, H, W]`.

    As a residual branch its last convolution begins at zero; the hidden one does not, so both learn.
    """

    kind: Literal["conv_block"] = "conv_block"
    width: PositiveInt
    kernel_size: KernelSize = 3
    activation: Activation = "relu"
    init: AbstractInitializer = KaimingUniform()

    @model_validator(mode="after")
    def _can_learn(self) -> "ConvBlock":
        check_varied(self.init)
        return self

    def random(self, shape: torch.Size, generator: torch.Generator) -> nn.Module:
        """Return the block. Raises `SpecError` for what is no map."""
        channels = width_of(shape, (4, 5), self.kind)
        parts = OrderedDict(
            hidden=conv_for(shape, (channels, self.width), self.kernel_size),
            activation=ACTIVATIONS[self.activation](),
            output=conv_for(shape, (self.width, channels), self.kernel_size),
        )
        for name in ("hidden", "output"):
            fill_layer(parts[name], self.init, generator)
        return nn.Sequential(parts)

    def silence(self, layer: nn.Module) -> None:
        """Make the weights of the last convolution zero."""
        nn.init.zeros_(layer.get_parameter("output.weight"))

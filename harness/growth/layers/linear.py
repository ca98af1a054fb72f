"""A linear layer."""

from collections import OrderedDict
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from harness.growth.layers._base import (
    AbstractLayer,
    AfterLayer,
    Function,
    check_activation,
    check_rectified,
    fill_layer,
    width_of,
)
from harness.initializers import AbstractInitializer, KaimingUniform
from harness.models.head import ACTIVATIONS

__all__ = ["LinearLayer"]


class LinearLayer(AbstractLayer):
    """A linear layer for `[B, D]` or `[B, T, D]`, perhaps with an activation (arXiv 1511.05641, Net2DeeperNet).

    With a ReLU it is the identity only if no feature is negative, as after another ReLU; this is checked on the probe.
    No other activation can follow an identity. A branch that begins at zero cannot end in a ReLU: it would never learn.
    """

    kind: Literal["linear"] = "linear"
    activation: AfterLayer = "none"
    init: AbstractInitializer = KaimingUniform()
    functions: ClassVar[tuple[Function, ...]] = ("identity", "residual", "random")

    def check(self, function: Function) -> None:
        """Check that the activation fits `function`. Raises `ValueError` if it does not."""
        super().check(function)
        check_activation(self.activation, function)

    def random(self, shape: torch.Size, generator: torch.Generator) -> nn.Module:
        """Return the layer. Raises `SpecError` for maps."""
        width = width_of(shape, (2, 3), self.kind)
        parts: OrderedDict[str, nn.Module] = OrderedDict(linear=nn.Linear(width, width))
        if self.activation != "none":
            parts["activation"] = ACTIVATIONS[self.activation]()
        fill_layer(parts["linear"], self.init, generator)
        return nn.Sequential(parts)

    def silence(self, layer: nn.Module) -> None:
        """Make all weights zero."""
        nn.init.zeros_(layer.get_parameter("linear.weight"))

    def make_identity(self, layer: nn.Module, features: Tensor) -> None:
        """Make the weights the identity. Raises `SpecError` if a ReLU would change `features`."""
        check_rectified(self.activation, features)
        nn.init.eye_(layer.get_parameter("linear.weight"))

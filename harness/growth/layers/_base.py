"""Layers that can be inserted into a network."""

from abc import abstractmethod
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import AfterValidator, PositiveInt
from torch import Tensor, nn

from harness.core.errors import SpecError
from harness.core.spec import LeafSpec
from harness.initializers import AbstractInitializer, LayerContext, fill

__all__ = [
    "AbstractLayer",
    "AfterLayer",
    "Function",
    "KernelSize",
    "check_activation",
    "check_rectified",
    "check_varied",
    "conv_for",
    "fill_layer",
    "width_of",
]

Function = Literal["identity", "residual", "random"]
AfterLayer = Literal["none", "relu", "gelu", "tanh"]


def _with_center(size: int) -> int:
    if size % 2 == 0:
        raise ValueError(f"expected an odd kernel, which has a center, found {size}")
    return size


KernelSize = Annotated[PositiveInt, AfterValidator(_with_center)]


class AbstractLayer(LeafSpec):
    """A layer from features `[B, F, ...]` to features of the same shape; its function is what it computes at first."""

    functions: ClassVar[tuple[Function, ...]] = ("residual", "random")

    @abstractmethod
    def random(self, shape: torch.Size, generator: torch.Generator) -> nn.Module:
        """Return the layer for features of `shape` `[B, F, ...]`, on the CPU in 32 bits; values come from `generator`.

        Raises:
            SpecError: there is no such layer for this shape.
        """

    @abstractmethod
    def silence(self, layer: nn.Module) -> None:
        """Make the output of `layer` zero, but not its gradient.

        Only one side of each unit may be zero, and no ReLU may follow it.
        """

    def make_identity(self, layer: nn.Module, features: Tensor) -> None:
        """Make `layer` the identity for `features` `[B, F, ...]`, float32 on the CPU, and for features like them.

        Raises:
            SpecError: it cannot for these features.
        """
        raise SpecError(f"expected a layer that can be the identity, found {layer} for {tuple(features.shape)}")

    def check(self, function: Function) -> None:
        """Check that the layer can begin as `function`.

        Raises:
            ValueError: it cannot.
        """
        if function not in self.functions:
            raise ValueError(
                f"expected a function among {', '.join(self.functions)} for the layer {self.kind!r}, found {function!r}"
            )

    def build(self, features: Tensor, function: Function, generator: torch.Generator) -> nn.Module:
        """Return the layer for `features` `[B, F, ...]`; if `function` is residual, as a branch that is added to them.

        Raises:
            SpecError: there is no such layer for these features.
        """
        layer = self.random(features.shape, generator)
        with torch.no_grad():
            if function == "identity":
                self.make_identity(layer, features)
            if function == "residual":
                self.silence(layer)
        return layer


def width_of(shape: torch.Size, dims: tuple[int, ...], kind: str) -> int:
    """Return the number of features in `shape`: the last of `[B, D]` and `[B, T, D]`, the second of maps `[B, C, ...]`.

    Raises:
        SpecError: the number of dimensions is not among `dims`.
    """
    if len(shape) not in dims:
        names = {2: "[B, D]", 3: "[B, T, D]", 4: "[B, C, H, W]", 5: "[B, C, D, H, W]"}
        wanted = " or ".join(names[dim] for dim in dims)
        raise SpecError(f"expected features {wanted} for the layer {kind!r}, found {list(shape)}; insert another layer")
    return shape[-1] if len(shape) <= 3 else shape[1]


def fill_layer(layer: nn.Module, init: AbstractInitializer, generator: torch.Generator) -> None:
    """Fill the weight `[out, in, ...]` of a linear layer or convolution, and set its bias to zero."""
    weight, bias = layer.get_parameter("weight"), layer.get_parameter("bias")
    context = LayerContext(fan_in=weight[0].numel(), fan_out=len(weight) * weight[0, 0].numel())
    fill(weight, init, context, generator=generator)
    nn.init.zeros_(bias)


def conv_for(shape: torch.Size, channels: tuple[int, int], kernel_size: int) -> nn.Conv2d | nn.Conv3d:
    """Return a convolution for maps of `shape` `[B, C, ...]` that keeps their size."""
    conv = nn.Conv2d if len(shape) == 4 else nn.Conv3d
    return conv(*channels, kernel_size, padding=kernel_size // 2)


def check_varied(init: AbstractInitializer) -> None:
    """Check that `init` fills hidden layers with values that differ.

    Raises:
        ValueError: it gives zeros, and zeros on both sides of a unit have no gradient.
    """
    if init.silences:
        raise ValueError("expected hidden weights that differ, found init='zeros'; the last layer alone begins at zero")


def check_activation(activation: AfterLayer, function: Function) -> None:
    """Check that a layer that ends in `activation` can begin as `function`.

    Raises:
        ValueError: the activation is not idempotent, or a branch of zeros would never learn.
    """
    if function == "identity" and activation not in ("none", "relu"):
        raise ValueError(
            f"expected no activation or relu, which repeats itself, after an identity, found {activation!r}"
        )
    if function == "residual" and activation == "relu":
        raise ValueError("expected a branch with a slope at zero, found one that ends in a relu; insert 'mlp' instead")


def check_rectified(activation: AfterLayer, features: Tensor) -> None:
    """Check that `activation` leaves `features` as they are.

    Raises:
        SpecError: it is a ReLU and some are negative.
    """
    if activation == "relu" and features.min() < 0:
        raise SpecError(
            f"expected features that a relu has made, found {features.min().item():.3g}; insert the layer after the "
            "activation, or without one"
        )

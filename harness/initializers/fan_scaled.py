"""Random values whose size follows from how many numbers a layer reads and how many read it."""

import math
from typing import ClassVar, Literal

import torch
from torch import Tensor

from harness.initializers._base import AbstractInitializer, LayerContext, blank

__all__ = [
    "KaimingNormal",
    "KaimingUniform",
    "LeCunNormal",
    "LeCunUniform",
    "TorchDefault",
    "XavierNormal",
    "XavierUniform",
]


def _normal(shape: tuple[int, ...], std: float, generator: torch.Generator) -> Tensor:
    return blank(shape).normal_(0, std, generator=generator)


def _uniform(shape: tuple[int, ...], bound: float, generator: torch.Generator) -> Tensor:
    return blank(shape).uniform_(-bound, bound, generator=generator)


class KaimingNormal(AbstractInitializer):
    """Normal with variance `2 / fan_in`, for a ReLU (arXiv 1502.01852, equation 10)."""

    kind: Literal["kaiming_normal"] = "kaiming_normal"
    reads_examples: ClassVar[bool] = False

    def values(self, shape: tuple[int, ...], context: LayerContext, generator: torch.Generator) -> Tensor:
        """Return float32 values of `shape`."""
        return _normal(shape, math.sqrt(2 / context.fan_in), generator)


class KaimingUniform(AbstractInitializer):
    """Uniform in `±sqrt(6 / fan_in)`, for a ReLU (arXiv 1502.01852, equation 10)."""

    kind: Literal["kaiming_uniform"] = "kaiming_uniform"
    reads_examples: ClassVar[bool] = False

    def values(self, shape: tuple[int, ...], context: LayerContext, generator: torch.Generator) -> Tensor:
        """Return float32 values of `shape`."""
        return _uniform(shape, math.sqrt(6 / context.fan_in), generator)


class LeCunNormal(AbstractInitializer):
    """Normal with variance `1 / fan_in` (LeCun et al., Efficient BackProp, 1998); for SELU, arXiv 1706.02515."""

    kind: Literal["lecun_normal"] = "lecun_normal"
    reads_examples: ClassVar[bool] = False

    def values(self, shape: tuple[int, ...], context: LayerContext, generator: torch.Generator) -> Tensor:
        """Return float32 values of `shape`."""
        return _normal(shape, math.sqrt(1 / context.fan_in), generator)


class LeCunUniform(AbstractInitializer):
    """Uniform in `±sqrt(3 / fan_in)`, of variance `1 / fan_in` (LeCun et al., Efficient BackProp, 1998)."""

    kind: Literal["lecun_uniform"] = "lecun_uniform"
    reads_examples: ClassVar[bool] = False

    def values(self, shape: tuple[int, ...], context: LayerContext, generator: torch.Generator) -> Tensor:
        """Return float32 values of `shape`."""
        return _uniform(shape, math.sqrt(3 / context.fan_in), generator)


class XavierNormal(AbstractInitializer):
    """Normal with variance `2 / (fan_in + fan_out)` (Glorot and Bengio, AISTATS 2010, equation 12)."""

    kind: Literal["xavier_normal"] = "xavier_normal"
    reads_examples: ClassVar[bool] = False

    def values(self, shape: tuple[int, ...], context: LayerContext, generator: torch.Generator) -> Tensor:
        """Return float32 values of `shape`."""
        return _normal(shape, math.sqrt(2 / (context.fan_in + context.fan_out)), generator)


class XavierUniform(AbstractInitializer):
    """Uniform in `±sqrt(6 / (fan_in + fan_out))` (Glorot and Bengio, AISTATS 2010, equation 16)."""

    kind: Literal["xavier_uniform"] = "xavier_uniform"
    reads_examples: ClassVar[bool] = False

    def values(self, shape: tuple[int, ...], context: LayerContext, generator: torch.Generator) -> Tensor:
        """Return float32 values of `shape`."""
        return _uniform(shape, math.sqrt(6 / (context.fan_in + context.fan_out)), generator)


class TorchDefault(AbstractInitializer):
    """Uniform in `±1 / sqrt(fan_in)`, weight and bias alike, as `nn.Linear` and `nn.Conv2d` begin."""

    kind: Literal["torch_default"] = "torch_default"
    reads_examples: ClassVar[bool] = False

    def values(self, shape: tuple[int, ...], context: LayerContext, generator: torch.Generator) -> Tensor:
        """Return float32 values of `shape`."""
        return _uniform(shape, 1 / math.sqrt(context.fan_in), generator)

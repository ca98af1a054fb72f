"""Layers of several networks as one; values are those of each network's own layer, to the bit.

Features are `[K, B, ...]`, with a row per network, or a list of K tensors `[B, ...]` after layers that are called one
by one.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from harness.models.head import Head
from harness.models.inserted import Inserted
from harness.models.pooling import Pool, pooled
from harness.models.widened import Widened
from harness.training.packing.dropout import dropped
from harness.training.packing.linear import linear
from harness.training.packing.shared_storage import SharedParameter, share

__all__ = ["Features", "Layer", "Parameters", "Streams", "apart", "is_hooked", "layer_of", "stacked"]

Features = Tensor | list[Tensor]
Streams = Sequence[torch.Generator] | None

# Functions of each value alone.
ELEMENTWISE = (
    nn.Identity, nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.ELU, nn.SELU, nn.CELU,
    nn.Softplus, nn.Hardswish, nn.Hardsigmoid, nn.Hardtanh, nn.Mish,
)  # fmt: skip
# Those of them that cannot round otherwise in a vector of values than for one value.
EXACT = (nn.Identity, nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.Hardtanh)
VECTOR_VALUES = 64  # at least what kernels take at a time: what is left over they compute one by one
# Layers that draw no random numbers, and are called network by network.
ONE_BY_ONE = (
    nn.Flatten, nn.Unflatten, nn.Softmax, nn.Conv1d, nn.Conv2d, nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm,
    nn.GroupNorm, nn.Embedding, nn.MaxPool1d, nn.MaxPool2d, nn.AvgPool1d, nn.AvgPool2d,
    nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d,
)  # fmt: skip


def stacked(features: Features) -> Tensor:
    """Return features as one tensor `[K, B, ...]`."""
    return features if isinstance(features, Tensor) else torch.stack(features)


def apart(features: Features) -> list[Tensor]:
    """Return the features of each network, `[B, ...]` each."""
    return list(features.unbind()) if isinstance(features, Tensor) else features


class Parameters:
    """The parameters that layers share; one that is used twice is shared once.

    Args:
        start: the place of the first of their networks in a pack.
    """

    def __init__(self, start: int = 0) -> None:
        self.shared: dict[int, SharedParameter] = {}
        self._start = start

    def share(self, parameters: Sequence[nn.Parameter]) -> Tensor:
        """Return the values `[K, ...]` of the same parameter of each network."""
        first = id(parameters[0])
        if first not in self.shared:
            self.shared[first] = share(parameters, self._start)
        return self.shared[first].values


class Layer(ABC):
    """The same layer of K networks."""

    @abstractmethod
    def __call__(self, features: Features, streams: Streams) -> Features:
        """Return the outputs; what is random is drawn from each network's stream, in the order of its own layers.

        Without streams, they are those of an evaluation.
        """


class _Elementwise(Layer):
    def __init__(self, module: nn.Module) -> None:
        self._module = module

    def __call__(self, features: Features, streams: Streams) -> Features:
        del streams
        whole = isinstance(self._module, EXACT) or features[0].numel() % VECTOR_VALUES == 0
        if whole and isinstance(features, Tensor):
            outputs: Tensor = self._module(features)
            return outputs
        return [self._module(one) for one in apart(features)]


class _OneByOne(Layer):
    def __init__(self, functions: Sequence[Callable[[Tensor], Tensor]]) -> None:
        self._functions = functions

    def __call__(self, features: Features, streams: Streams) -> Features:
        del streams
        return [function(one) for function, one in zip(self._functions, apart(features), strict=True)]


class _Flatten(Layer):
    def __call__(self, features: Features, streams: Streams) -> Features:
        del streams
        return features.flatten(2) if isinstance(features, Tensor) else [one.flatten(1) for one in features]


class _Linear(Layer):
    def __init__(self, modules: Sequence[nn.Linear], parameters: Parameters) -> None:
        self._weights = parameters.share([module.get_parameter("weight") for module in modules])
        has_bias = modules[0].bias is not None
        self._biases = parameters.share([one.get_parameter("bias") for one in modules]) if has_bias else None

    def __call__(self, features: Features, streams: Streams) -> Features:
        del streams
        inputs = stacked(features)
        if inputs.dim() == 3:
            return linear(inputs, self._weights, self._biases)
        outputs = linear(inputs.flatten(1, -2), self._weights, self._biases)
        return outputs.view(*inputs.shape[:-1], -1)


class _Dropout(Layer):
    def __init__(self, portion: float) -> None:
        self._portion = portion

    def __call__(self, features: Features, streams: Streams) -> Features:
        return features if streams is None else dropped(stacked(features), self._portion, streams)


class _Row(Layer):
    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = layers

    def __call__(self, features: Features, streams: Streams) -> Features:
        for layer in self._layers:
            features = layer(features, streams)
        return features


class _Pooled(Layer):
    def __init__(self, pool: Pool, layout: str | None, *, stop_gradient: bool) -> None:
        self._pool, self._layout = pool, layout
        self._stop_gradient = stop_gradient

    def __call__(self, features: Features, streams: Streams) -> Features:
        del streams
        if isinstance(features, Tensor) and features.dim() == 3:
            return features.detach() if self._stop_gradient else features
        read = [one.detach() if self._stop_gradient else one for one in apart(features)]
        return [pooled(one, self._pool, self._layout) for one in read]


class _Inserted(Layer):
    def __init__(self, inside: Layer, *, residual: bool) -> None:
        self._inside = inside
        self._residual = residual

    def __call__(self, features: Features, streams: Streams) -> Features:
        changed = self._inside(features, streams)
        return stacked(features) + stacked(changed) if self._residual else changed


class _SideBySide(Layer):
    def __init__(self, parts: Sequence[Layer]) -> None:
        self._parts = parts

    def __call__(self, features: Features, streams: Streams) -> Features:
        return torch.cat([stacked(part(features, streams)) for part in self._parts], dim=-1)


def layer_of(modules: Sequence[nn.Module], parameters: Parameters) -> Layer | None:
    """Return the layer that K modules of the same kind and settings are together; None if there is no rule for them."""
    first, kind = modules[0], type(modules[0])
    if any(map(is_hooked, modules)):
        return None
    if kind in COMPOSED:
        return COMPOSED[kind](modules, parameters)
    if kind is nn.Dropout:
        portion = float(first.p)  # type: ignore[arg-type]
        return _Dropout(portion) if first.training and portion else _Elementwise(nn.Identity())
    if isinstance(first, nn.Flatten) and (first.start_dim, first.end_dim) == (1, -1):
        return _Flatten()
    if kind in ELEMENTWISE:
        return _Elementwise(first)
    return _OneByOne(modules) if kind in ONE_BY_ONE else None


def _linear(modules: Sequence[nn.Module], parameters: Parameters) -> Layer:
    return _Linear(modules, parameters)  # type: ignore[arg-type]


def _row(modules: Sequence[nn.Module], parameters: Parameters) -> Layer | None:
    return _row_of([list(cast("nn.Sequential", module)) for module in modules], parameters)


def _row_of(rows: Sequence[Sequence[nn.Module]], parameters: Parameters) -> Layer | None:
    layers = _each(rows, parameters)
    return None if layers is None else _Row(layers)


def _each(rows: Sequence[Sequence[nn.Module]], parameters: Parameters) -> list[Layer] | None:
    layers = [layer_of(modules, parameters) for modules in zip(*rows, strict=True)]
    known = [layer for layer in layers if layer is not None]
    return known if len(known) == len(layers) else None


def _head(modules: Sequence[nn.Module], parameters: Parameters) -> Layer | None:
    heads = cast("Sequence[Head]", modules)
    first = heads[0]
    if first.call not in (None, -1):
        return None  # of the outputs of a layer, only the last is kept
    inside = _row_of([[head.layers, head.output] for head in heads], parameters)
    return inside and _Row([_Pooled(first.pool, first.layout, stop_gradient=first.stop_gradient), inside])


def _inserted(modules: Sequence[nn.Module], parameters: Parameters) -> Layer | None:
    first = modules[0]
    inside = layer_of([module.get_submodule("layer") for module in modules], parameters) if first.on else None
    if not first.on:
        return _Elementwise(nn.Identity())
    if first.layout is not None:
        return None
    return inside and _Inserted(inside, residual=bool(first.residual))


def _side_by_side(modules: Sequence[nn.Module], parameters: Parameters) -> Layer | None:
    parts = _each([list(module.get_submodule("parts").children()) for module in modules], parameters)
    linear_parts = all(isinstance(part, _Linear) for part in parts or ())
    return _SideBySide(parts) if parts and linear_parts else None


COMPOSED: dict[type[nn.Module], Callable[[Sequence[nn.Module], Parameters], Layer | None]] = {
    nn.Sequential: _row,
    nn.Linear: _linear,
    Head: _head,
    Inserted: _inserted,
    Widened: _side_by_side,
}


def is_hooked(module: nn.Module) -> bool:
    """Return whether somebody is to be called when `module` is."""
    tables = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return any(vars(module)[name] for name in tables)

"""Cutting a network above its frozen part, so that the frozen part is computed once for each example."""

from collections.abc import Callable, Iterator, Mapping
from itertools import takewhile
from typing import Any

import torch
from torch import Tensor, nn

from harness.core.inputs import Inputs, input_tensors
from harness.models.branches import has_joined
from harness.models.call import arguments, call, named_arguments
from harness.models.growable import GrowableModel
from harness.models.head import Head
from harness.models.taps import capture

__all__ = ["CUT", "TAP", "Cut", "find_cut", "uncut"]

CUT, TAP, MASK = "cut", "tap/", "mask/"
# Modules that draw no random numbers and remember nothing, also in train mode.
DETERMINISTIC = (
    nn.Identity, nn.Flatten, nn.Unflatten, nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid,
    nn.ELU, nn.SELU, nn.CELU, nn.Softplus, nn.Hardswish, nn.Hardsigmoid, nn.Hardtanh, nn.Mish, nn.Softmax,
    nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d,
    nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d, nn.AdaptiveMaxPool2d,
)  # fmt: skip


class Cut:
    """A network in two parts: a frozen one that computes `features`, and one that computes `outputs` from them.

    Args:
        model: whose backbone is a row of layers.
        layers: of the backbone, with their paths, in the order in which they are called.
        height: how many of them lie below the cut.
    """

    def __init__(self, model: GrowableModel, layers: list[tuple[str, nn.Module]], height: int) -> None:
        self._model = model
        self._below, self._above = layers[:height], layers[height:]
        sources = {tap: _source_of(tap, layers) for tap in set(model.taps.values())}
        self._taps_below = {tap: path for tap, (index, path) in sources.items() if index < height}
        self._taps_above = {tap: path for tap, (index, path) in sources.items() if index >= height}

    @property
    def below(self) -> nn.ModuleList:
        """The layers below the cut."""
        return nn.ModuleList(layer for _, layer in self._below)

    @property
    def above(self) -> list[tuple[str, nn.Module]]:
        """The layers above the cut, with their paths."""
        return self._above

    @property
    def taps(self) -> tuple[dict[str, str], dict[str, str]]:
        """The taps below and above the cut, each with the path of the module whose output it is."""
        return self._taps_below, self._taps_above

    @property
    def name(self) -> str:
        """A name of the features: the last layer below the cut, the taps below it, and the masks that heads read."""
        return f"{self._below[-1][0]} {sorted(self._taps_below)} {sorted(map(str, self._mask_names()))}"

    def features(self, inputs: Inputs) -> dict[str, Tensor] | None:
        """Return everything that the upper part reads, `[B, ...]` each; None if a part of it has another shape."""
        named = _named(*self._called(self._below, inputs, self._taps_below), self._masks(inputs))
        rows = next(iter(input_tensors(inputs).values())).shape[:1]
        whole = all(isinstance(value, Tensor) and value.shape[:1] == rows for value in named.values())
        return named if whole else None

    def features_above(self, lower: "Cut", features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the same, given the `features` of the same inputs at a `lower` cut of the same network."""
        layers = list(_layers(self._model.backbone, ""))
        height = len(lower._below)  # noqa: SLF001  # another of this class
        top = height + len(layers[height:]) if self._is_whole else len(self._below)
        sources = {tap: _source_of(tap, layers) for tap in self._taps_below}
        between = {tap: path for tap, (index, path) in sources.items() if index >= height}
        result, tapped = self._called(layers[height:top], _cut_in(features), between)
        return _named(result, {**lower._tapped_in(features), **tapped}, _masks_in(features))  # noqa: SLF001

    def outputs(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return what the network returns for the inputs of `features`."""
        result, above = self._called(self._above, _cut_in(features), self._taps_above)
        return self._model.read(result, {**self._tapped_in(features), **above}, _masks_in(features))

    @property
    def _is_whole(self) -> bool:
        """Whether the whole backbone lies below the cut, as one layer."""
        return not self._below[0][0]

    def _tapped_in(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {tap: features[TAP + tap if TAP + tap in features else CUT] for tap in self._taps_below}

    def _masks(self, inputs: Inputs) -> dict[str, Any]:
        """Return the entries of the batch by which heads know real positions."""
        if isinstance(inputs, Tensor):
            return {}
        batch = named_arguments(self._model.backbone, *arguments(self._model.backbone, inputs))
        return {name: batch[name] for name in self._mask_names() if name in batch}

    def _mask_names(self) -> set[str | None]:
        return {head.mask for head in self._model.heads.values() if isinstance(head, Head)}

    def _called(
        self, layers: list[tuple[str, nn.Module]], value: Any, taps: Mapping[str, str]
    ) -> tuple[Any, dict[str, Tensor]]:
        with capture(self._model.backbone, taps.values()) as features:
            for path, layer in layers:
                value = layer(value) if path else call(layer, value)  # a whole backbone may take arguments by name
        return value, {tap: features[path] for tap, path in taps.items()}


def _named(result: Any, tapped: Mapping[str, Tensor], masks: Mapping[str, Any]) -> dict[str, Any]:
    """Return the features of a cut by name, given what the layers below it return and what is read of them."""
    entries = result if isinstance(result, Mapping) else {}
    named = {f"{CUT}/{name}": value for name, value in entries.items()} or {CUT: result}
    # A tap at the cut reads the same tensor, not a second one: a layer above may change it in place.
    named |= {TAP + tap: value for tap, value in tapped.items() if value is not result}
    return named | {MASK + name: value for name, value in masks.items()}


def _cut_in(features: Mapping[str, Tensor]) -> Tensor | dict[str, Tensor]:
    """Return what the layers above the cut are called with."""
    entries = {name.removeprefix(f"{CUT}/"): value for name, value in features.items() if name.startswith(f"{CUT}/")}
    return entries or features[CUT]


def _masks_in(features: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(MASK): value for name, value in features.items() if name.startswith(MASK)}


def uncut(model: GrowableModel) -> Cut:
    """Return the cut with nothing below it: its features are the inputs."""
    return Cut(model, list(_layers(model.backbone, "")), 0)


def find_cut(model: GrowableModel, example: Inputs, may: Callable[[nn.Module], bool] | None = None) -> Cut | None:
    """Return the highest cut below which nothing learns, or None if a cut saves nothing.

    Any backbone may lie below the cut as a whole. Only a `Sequential` can be cut in two; the `Sequential`s in it that
    have no hooks can be cut as well. The part below has parameters, all of them frozen, and is in eval mode.

    Args:
        model: in the modes in which it is trained.
        example: inputs `[B, ...]`, B > 1. Calling the network with them changes nothing.
        may: whether a layer that stands still may lie below; all may by default.
    """

    def low(layer: nn.Module) -> bool:
        return _stands_still(layer) and (may is None or may(layer))

    if has_joined(model):
        return None  # what a branch computes is not among the features
    whole = [("", model.backbone)]
    layers = whole if low(model.backbone) else list(_layers(model.backbone, ""))
    height = len(list(takewhile(lambda named: low(named[1]), layers)))
    if any(_is_repeated(tap, layers) for tap in model.taps.values()):
        return None  # a head reads the last of several outputs, wherever the cut is
    if not any(True for _, layer in layers[:height] for _ in layer.parameters()):
        return None
    cut = Cut(model, layers, height)
    with torch.no_grad():
        return cut if cut.features(example) is not None else None


def _stands_still(module: nn.Module) -> bool:
    """Return whether `module` gives the same for the same inputs at every step."""
    if any(parameter.requires_grad for parameter in module.parameters()):
        return False
    return all(not part.training or isinstance(part, (*DETERMINISTIC, nn.Sequential)) for part in module.modules())


def _layers(module: nn.Module, path: str) -> Iterator[tuple[str, nn.Module]]:
    if type(module) is not nn.Sequential or _hooked(module):
        yield path, module
        return
    for name, child in vars(module)["_modules"].items():  # a module that is called twice is among them twice
        yield from _layers(child, f"{path}.{name}" if path else name)


def _is_repeated(tap: str, layers: list[tuple[str, nn.Module]]) -> bool:
    """Return whether a tap is computed by a layer that is called more than once."""
    _, source = _source_of(tap, layers)
    called = [layer for path, layer in layers if not path or f"{source}.".startswith(f"{path}.")]
    return any(sum(other is layer for _, other in layers) > 1 for layer in called)


def _hooked(module: nn.Module) -> bool:
    tables = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return any(vars(module)[name] for name in tables)


def _source_of(tap: str, layers: list[tuple[str, nn.Module]]) -> tuple[int, str]:
    """Return the index of the last layer that a tap depends on, and the path of the module whose output it is."""
    for index, (path, _) in enumerate(layers):
        if not path or f"{tap}.".startswith(f"{path}."):
            return index, tap
    index = max(index for index, (path, _) in enumerate(layers) if path.startswith(f"{tap}."))
    return index, layers[index][0]

"""Lists of layers that a network calls one after another, and what it notes of their number."""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import nn

from harness.core.errors import ModulePathError
from harness.core.spec import did_you_mean
from harness.models.growable import GrowableModel
from harness.models.network_config import follow
from harness.models.paths import full_path, module_at

__all__ = ["LayerStack", "check_alike", "rearrange", "stack_at"]

LayerStack = nn.ModuleList | nn.Sequential

INDEX = ("layer_id", "layer_idx", "layer_index", "layer_number")
COUNT = re.compile(r"(n|num)_((hidden|encoder|decoder)_)?(layers?|blocks?)|(en|de)coder_layers|depth")
KINDS = re.compile(r"\w*types?|no_rope_layers")


def stack_at(model: nn.Module, path: str) -> LayerStack:
    """Return the list of layers at `path`.

    Raises:
        ModulePathError: there is none, or it is empty.
    """
    module = module_at(model, path)
    if not isinstance(module, LayerStack) or not len(module):
        known = [name for name, part in model.named_modules() if isinstance(part, LayerStack) and len(part)]
        raise ModulePathError(
            f"expected an nn.ModuleList or nn.Sequential of layers at {path!r}, found {type(module).__name__}; name "
            f"one.{did_you_mean(path, known)}"
        )
    return module


def check_alike(stack: Sequence[nn.Module], chosen: Sequence[int], path: str) -> None:
    """Check that no chosen layer has parameters that others of its class lack.

    Raises:
        ModulePathError: one has, such as the first one of T5, whose position bias all layers read.
    """
    names = [frozenset(name for name, _ in layer.named_parameters()) for layer in stack]
    for index in chosen:
        others = [names[i] for i, layer in enumerate(stack) if type(layer) is type(stack[index]) and i != index]
        if others and (extra := sorted(names[index].difference(*others))):
            raise ModulePathError(
                f"expected layers alike at {path!r}, found {extra[0]!r} in layer {index} alone; leave it out of the "
                "layers to copy"
            )


def rearrange(model: nn.Module, path: str, layers: Sequence[nn.Module], sources: Sequence[int]) -> None:
    """Let the stack at `path` have `layers`, each of which is the old layer of an index in `sources`, or a copy of it.

    Indices that layers note of themselves follow, as does the number of layers where modules around the stack and
    their configs note it, and the taps of heads.
    """
    stack, name = stack_at(model, path), full_path(model, path)
    old = list(vars(stack)["_modules"].items())
    keys = _keys([key for key, _ in old], sources)
    if isinstance(model, GrowableModel):
        moved = {key: keys[layers.index(layer)] for key, layer in old}
        model.taps = {head: _moved(tap, path, moved) for head, tap in model.taps.items()}
    vars(stack)["_modules"] = dict(zip(keys, layers, strict=True))
    for index, (layer, source) in enumerate(zip(layers, sources, strict=True)):
        _renumber(layer, source, index)
    follow(model, [name], lambda holder: _counted(holder, name, len(old), sources))


def _keys(old: Sequence[str], sources: Sequence[int]) -> list[str]:
    """Return the names of the layers in their stack: numbers, or the old ones with a number behind those of copies."""
    if list(old) == [str(index) for index in range(len(old))]:
        return [str(index) for index in range(len(sources))]
    keys: list[str] = []
    for source in sources:
        taken = {*keys, *old} if old[source] in keys else set()
        further = (f"{old[source]}_{number}" for number in itertools.count(2))
        keys.append(next(key for key in itertools.chain([old[source]], further) if key not in taken))
    return keys


def _moved(tap: str, path: str, moved: Mapping[str, str]) -> str:
    head, rest = (tap[: len(path) + 1], tap[len(path) + 1 :]) if path else ("", tap)
    if path and head != f"{path}.":
        return tap
    key, dot, inner = rest.partition(".")
    return f"{head}{moved.get(key, key)}{dot}{inner}"


def _renumber(layer: nn.Module, old: int, new: int) -> None:
    for module in layer.modules():
        for name in INDEX:
            noted = vars(module).get(name)
            if type(noted) is int and noted - old in (0, 1):  # some count from one
                vars(module)[name] = noted - old + new


def _counted(holder: object, name: str, old: int, sources: Sequence[int]) -> dict[str, Any]:
    """Return what changes in what `holder` notes, by name: the number of layers, and a list of their kinds."""
    changed: dict[str, Any] = {}
    for key, value in _of_stack(vars(holder), name):
        if type(value) is int and value == old and COUNT.fullmatch(key):
            changed[key] = len(sources)
        elif isinstance(value, list | tuple) and len(value) == old and KINDS.fullmatch(key):
            changed[key] = type(value)(value[source] for source in sources)
    return changed


def _of_stack(noted: Mapping[str, Any], name: str) -> Iterator[tuple[str, Any]]:
    """Yield what may be said of the stack `name`, where a network has an encoder and a decoder."""
    of_both = noted.get("is_encoder_decoder") and not noted.get("is_decoder")  # then a plain number is the encoder's
    for key, value in noted.items():
        of_decoder = "decoder" in key or not (of_both or "encoder" in key)
        if of_decoder if "decoder" in name else "decoder" not in key:
            yield key, value

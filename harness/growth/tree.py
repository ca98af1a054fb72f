"""Nested plain values with tensors in them, such as the state of an optimizer, as JSON and named tensors, and back.

Floats, integers beyond 64 bits, infinities, tuples and dictionaries with numbers as keys come back as they were.
Nothing that JSON says is executed.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from harness.core.errors import SpecError

__all__ = ["from_tree", "to_tree"]

TAG = "$"


def to_tree(value: Any, tensors: dict[str, Tensor], name: str) -> Any:
    """Return JSON for `value`, and put its tensors into `tensors` under names that begin with `name`.

    Raises:
        SpecError: something in `value` is neither a plain value nor a tensor; the message says where.
    """
    if isinstance(value, Tensor):
        tensors[name] = value
        return {TAG: "tensor", "name": name}
    if value is None or isinstance(value, bool | str | int | float):
        return value
    if isinstance(value, torch.dtype):
        return {TAG: "dtype", "name": str(value).removeprefix("torch.")}
    if isinstance(value, torch.device):
        return {TAG: "device", "name": str(value)}
    if isinstance(value, list | tuple):
        items = [to_tree(item, tensors, f"{name}.{index}") for index, item in enumerate(value)]
        return items if isinstance(value, list) else {TAG: "tuple", "items": items}
    if isinstance(value, Mapping):
        return _mapping(value, tensors, name)
    raise SpecError(f"expected plain values and tensors to save, found {type(value).__name__} at {name!r}; remove it")


def _mapping(value: Mapping[Any, Any], tensors: dict[str, Tensor], name: str) -> dict[str, Any]:
    content = {key: to_tree(item, tensors, f"{name}.{key}") for key, item in value.items()}
    if all(isinstance(key, str) for key in content) and TAG not in content and not isinstance(value, Counter):
        return content
    items = [[_key(key, name), item] for key, item in content.items()]
    return {TAG: "counter" if isinstance(value, Counter) else "mapping", "items": items}


def _key(key: Any, name: str) -> Any:
    if isinstance(key, Tensor):
        raise SpecError(f"expected numbers or texts as keys of {name!r}, found a tensor; remove it")
    return to_tree(key, {}, f"{name} (a key)")


def from_tree(content: Any, tensors: Mapping[str, Tensor]) -> Any:
    """Return the value of which `to_tree` made `content` and `tensors`.

    Raises:
        KeyError: a tensor is missing, or `content` comes from somewhere else.
    """
    if isinstance(content, list):
        return [from_tree(item, tensors) for item in content]
    if not isinstance(content, dict):
        return content
    if TAG not in content:
        return {key: from_tree(item, tensors) for key, item in content.items()}
    kind = content[TAG]
    if kind == "tensor":
        return tensors[content["name"]]
    if kind == "dtype":
        return getattr(torch, content["name"])
    if kind == "device":
        return torch.device(content["name"])
    items = from_tree(content["items"], tensors)
    if kind == "tuple":
        return tuple(items)
    return Counter(dict(items)) if kind == "counter" else dict(items)

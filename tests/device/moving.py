"""Anything that holds tensors, moved to a device."""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

import torch

T = TypeVar("T")


def moved(value: T, device: torch.device) -> T:
    """Return `value` with all tensors in it on `device`: a tensor, a mapping, a tuple or a dataclass."""
    found: Any = value
    if isinstance(found, torch.Tensor):
        return found.detach().to(device)  # type: ignore[return-value]
    if isinstance(found, Mapping):
        return {key: moved(item, device) for key, item in found.items()}  # type: ignore[return-value]
    if isinstance(found, tuple):
        return tuple(moved(item, device) for item in found)  # type: ignore[return-value]
    if dataclasses.is_dataclass(found) and not isinstance(found, type):
        own = {field.name: moved(getattr(found, field.name), device) for field in dataclasses.fields(found)}
        return dataclasses.replace(found, **own)  # type: ignore[return-value]
    return value

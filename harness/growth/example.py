"""What a growth knew of its probe: enough to do it once more, on a fresh network, without the data.

Operations learn sizes from a probe, and where the network's layers lie in its computation. For that any values serve.
Numbers with a fraction are kept as shapes, and drawn anew; integers and flags, such as tokens, lengths and masks, say
what a network computes and are kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from harness.core.errors import SpecError
from harness.core.seeding import generator
from harness.growth.probe import Probe, stand_in_loss

__all__ = ["Example"]

SHAPE = "shape"


@dataclass(frozen=True)
class Example:
    """A probe without its values.

    Attributes:
        inputs: the batch, with a mapping of shape and type in place of each tensor with a fraction; None if it holds
            anything but mappings, lists, tuples, tensors and plain values.
        targets: of the probe.
    """

    inputs: Any
    targets: Tensor | None = None

    @classmethod
    def of(cls, probe: Probe | None) -> "Example | None":
        """Return the example of `probe`; it shares nothing with it."""
        if probe is None:
            return None
        try:
            inputs = _sketch(probe.inputs)
        except SpecError:
            return cls(None)
        return cls(inputs, probe.targets.detach().cpu().clone() if isinstance(probe.targets, Tensor) else None)

    def probe(self, device: torch.device) -> Probe | None:
        """Return a probe of the same shape on `device`; None if that cannot be made."""
        if self.inputs is None:
            return None
        stream = generator(0, "example")
        targets = None if self.targets is None else self.targets.to(device)
        return Probe(_drawn(self.inputs, stream, device), targets, stand_in_loss)


def _sketch(value: Any) -> Any:
    if isinstance(value, Tensor):
        if value.is_nested or value.layout is not torch.strided:
            raise SpecError("expected dense tensors")
        if value.is_floating_point() or value.is_complex():
            return {SHAPE: tuple(value.shape), "dtype": value.dtype}
        return value.detach().cpu().clone()
    if isinstance(value, Mapping):
        return {key: _sketch(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_sketch(item) for item in value)
    if value is None or isinstance(value, bool | str | int | float):
        return value
    raise SpecError("expected plain values")


def _drawn(value: Any, stream: torch.Generator, device: torch.device) -> Any:
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, dict) and SHAPE in value and len(value) == 2:
        # Between 0.5 and 1.5: neither logarithms nor roots nor divisions by it are surprised.
        return (torch.rand(value[SHAPE], generator=stream) + 0.5).to(device, value["dtype"])
    if isinstance(value, dict):
        return {key: _drawn(item, stream, device) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_drawn(item, stream, device) for item in value)
    return value

"""Examples that a growth may look at."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

__all__ = ["Probe"]


@dataclass(frozen=True)
class Probe:
    """A batch that the network can be called with, and perhaps the targets of its examples among the new outputs.

    Attributes:
        inputs: a tensor `[B, ...]`, or any other batch: a mapping by argument name as from a tokenizer, a tuple of
            arguments, a dataclass, ...; `harness.models.call` says how the network is called with it.
        targets: `[B]` int64, the right new output (0, 1, ...) of each input, or -1 for none; None if unknown.
    """

    inputs: Any
    targets: Tensor | None = None

"""Examples that a growth may look at."""

from dataclasses import dataclass

from torch import Tensor

__all__ = ["Probe"]


@dataclass(frozen=True)
class Probe:
    """Inputs that the network can be called with, and perhaps their targets among the new outputs.

    Attributes:
        inputs: `[B, ...]`.
        targets: `[B]` int64, the right new output (0, 1, ...) of each input, or -1 for none; None if unknown.
    """

    inputs: Tensor
    targets: Tensor | None = None

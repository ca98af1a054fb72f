"""Examples that a growth may look at."""

from dataclasses import dataclass

from torch import Tensor

__all__ = ["Probe"]


@dataclass(frozen=True)
class Probe:
    """Inputs that the network can be called with, and perhaps what the new outputs should say of them.

    Attributes:
        inputs: `[B, ...]`.
        targets: `[B]` int64, the new output (0, 1, ...) that is right for each input, or -1; None if it is not known.
    """

    inputs: Tensor
    targets: Tensor | None = None

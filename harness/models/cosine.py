"""Output layers whose outputs are cosines."""

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["CosineLinear", "ScaledCosines"]


class CosineLinear(nn.Linear):
    """A linear layer whose outputs are the cosines of the angles between what it reads and its rows; it has no bias."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Map `[..., in]` to `[..., C]`."""
        return functional.linear(functional.normalize(inputs, dim=-1), functional.normalize(self.weight, dim=1))


class ScaledCosines(nn.Module):
    """Cosines times a learned number, since a softmax of numbers between -1 and 1 is never sure.

    Args:
        cosines: the layer that computes them, also one that has been widened.
        scale: the number at first.
    """

    def __init__(self, cosines: nn.Module, scale: Tensor) -> None:
        super().__init__()
        self.cosines = cosines
        self.scale = nn.Parameter(scale)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map `[..., in]` to `[..., C]`."""
        cosines: Tensor = self.cosines(inputs)
        return torch.mul(self.scale, cosines)

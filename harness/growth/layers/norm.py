"""A normalization."""

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from harness.core.errors import SpecError
from harness.growth.layers._base import AbstractLayer, Function, width_of

__all__ = ["NormLayer"]


class NormLayer(AbstractLayer):
    """Batch norm for `[B, D]` and maps; layer norm for sequences `[B, T, D]`, which is never the identity.

    As the identity, batch norm takes mean and variance of the probe's features for its statistics, and scale and shift
    that undo it (arXiv 1511.05641). In train mode it is so only for batches that are like the probe.
    """

    kind: Literal["norm"] = "norm"
    functions: ClassVar[tuple[Function, ...]] = ("identity", "residual", "random")

    def random(self, shape: torch.Size, generator: torch.Generator) -> nn.Module:  # noqa: ARG002
        """Return the layer with scale one and shift zero."""
        width = width_of(shape, (2, 3, 4, 5), self.kind)
        norms: dict[int, type[nn.Module]] = {2: nn.BatchNorm1d, 3: nn.LayerNorm, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}
        norm: nn.Module = norms[len(shape)](width)
        return norm

    def silence(self, layer: nn.Module) -> None:
        """Make the scale zero."""
        nn.init.zeros_(layer.get_parameter("weight"))

    def make_identity(self, layer: nn.Module, features: Tensor) -> None:
        """Let scale and shift undo what the statistics do. Raises `SpecError` for sequences."""
        if not isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
            raise SpecError(
                f"expected features [B, D] or maps for a norm as the identity, found {list(features.shape)}; "
                "insert it with function='residual'"
            )
        variance, mean = torch.var_mean(features.transpose(0, 1).flatten(1), dim=1, correction=0)
        layer.get_buffer("running_mean").copy_(mean)
        layer.get_buffer("running_var").copy_(variance)
        layer.weight.copy_((variance + layer.eps).sqrt())
        layer.bias.copy_(mean)

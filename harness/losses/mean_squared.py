"""Mean squared error."""

from typing import Literal

from torch import Tensor
from torch.nn import functional

from harness.losses._base import AbstractOutputLoss, Batch

__all__ = ["MeanSquared"]


class MeanSquared(AbstractOutputLoss):
    """`(z - y)^2` for values z and truths y, averaged over all columns; standardized targets stay so."""

    kind: Literal["mean_squared"] = "mean_squared"

    def value(self, batch: Batch, output: str) -> Tensor:
        """Return the mean over batch and columns."""
        values = batch.outputs[output].flatten(1)
        truth = batch.target(output)[:, : values.shape[1]].to(values)
        return functional.mse_loss(values, truth)

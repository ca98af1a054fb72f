"""Mean absolute error."""

from typing import Literal

from torch import Tensor
from torch.nn import functional

from harness.losses._base import AbstractOutputLoss, Batch

__all__ = ["Absolute"]


class Absolute(AbstractOutputLoss):
    """`abs(z - y)` for values z and truths y, averaged over all columns; standardized targets stay so."""

    kind: Literal["absolute"] = "absolute"

    def value(self, batch: Batch, output: str) -> Tensor:
        """Return the mean over batch and columns."""
        values = batch.outputs[output].flatten(1)
        truth = batch.target(output)[:, : values.shape[1]].to(values)
        return functional.l1_loss(values, truth)

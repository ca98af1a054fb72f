"""Huber's error: squared where it is small, absolute where it is large."""

from typing import Literal

from pydantic import PositiveFloat
from torch import Tensor
from torch.nn import functional

from harness.losses._base import AbstractOutputLoss, Batch

__all__ = ["Huber"]


class Huber(AbstractOutputLoss):
    """`e^2 / 2` for errors e up to `delta`, `delta * (abs(e) - delta / 2)` beyond, averaged over all columns.

    `delta` is in the units of the target as it is stored: standard deviations, if it is standardized.
    """

    kind: Literal["huber"] = "huber"
    delta: PositiveFloat = 1.0

    def value(self, batch: Batch, output: str) -> Tensor:
        """Return the mean over batch and columns."""
        values = batch.outputs[output].flatten(1)
        truth = batch.target(output)[:, : values.shape[1]].to(values)
        return functional.huber_loss(values, truth, delta=self.delta)

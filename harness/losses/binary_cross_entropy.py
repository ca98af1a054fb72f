"""Cross-entropy of yes or no, in each column on its own."""

from typing import Literal

from torch import Tensor
from torch.nn import functional

from harness.losses._base import AbstractOutputLoss, Batch

__all__ = ["BinaryCrossEntropy"]


class BinaryCrossEntropy(AbstractOutputLoss):
    """-y log sigmoid(z) - (1 - y) log sigmoid(-z) for logits z and truths y in `[0, 1]`, averaged over all columns."""

    kind: Literal["binary_cross_entropy"] = "binary_cross_entropy"

    def value(self, batch: Batch, output: str) -> Tensor:
        """Return the mean over batch and columns."""
        logits = batch.outputs[output].flatten(1)
        truth = batch.target(output)[:, : logits.shape[1]]
        return functional.binary_cross_entropy_with_logits(logits, truth.to(logits))

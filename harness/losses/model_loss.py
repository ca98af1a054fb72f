"""A loss that the model computes itself."""

from typing import Literal

from torch import Tensor

from harness.losses._base import AbstractOutputLoss, Batch

__all__ = ["ModelLoss"]


class ModelLoss(AbstractOutputLoss):
    """A scalar that the model returns among its outputs.

    A scalar whose name ends in `_loss` or `_reg` need not be listed, except to give it a weight.
    """

    kind: Literal["model_loss"] = "model_loss"

    def predictions(self, name: str, batch: Batch) -> None:  # noqa: ARG002
        """Return nothing: the model has compared already."""
        return

    def value(self, batch: Batch, output: str) -> Tensor:
        """Return the scalar."""
        return batch.outputs[output]

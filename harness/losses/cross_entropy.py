"""Cross-entropy of an output that classifies on its own, apart from the heads that classify jointly."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat
from torch import Tensor
from torch.nn import functional

from harness.core.positions import by_position
from harness.losses._base import AbstractOutputLoss, Batch

__all__ = ["CrossEntropy"]


class CrossEntropy(AbstractOutputLoss):
    """-log softmax of the true class among the logits of one output, averaged over the batch, and over positions.

    Attributes:
        label_smoothing: the part of the true probability that is spread evenly over all classes (arXiv 1512.00567).
    """

    kind: Literal["cross_entropy"] = "cross_entropy"
    label_smoothing: Annotated[NonNegativeFloat, Field(lt=1)] = 0.0

    @property
    def classifies(self) -> bool:
        """Return True."""
        return True

    def predictions(self, name: str, batch: Batch) -> Tensor | None:
        """Return the logits, of classes at positions one row for each; nothing while the output does not exist."""
        output = self.speaks_of(name)
        if output not in batch.outputs:
            return None
        logits, classes = batch.outputs[output], batch.target(output)
        return by_position(logits, classes)[0] if classes.dim() > 1 else logits

    def value(self, batch: Batch, output: str) -> Tensor:
        """Return the mean over the batch, of classes at positions over all of them."""
        logits, classes = batch.outputs[output], batch.target(output)
        if classes.dim() > 1:
            logits, classes = by_position(logits, classes)
        return functional.cross_entropy(logits, classes, label_smoothing=self.label_smoothing)

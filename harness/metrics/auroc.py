"""The area under the receiver operating characteristic."""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from harness.metrics._base import CLASSES_AND_BINARY, AbstractMetric
from harness.metrics.predictions import PredictedKind, Predictions

__all__ = ["AUROC"]


class AUROC(AbstractMetric):
    """How probable it is that an example of a class gets more of its probability than one of any other class.

    Equal probabilities count half. It is the mean over classes, each against all others; a class that has no example,
    or all of them, does not count. A guess comes to 50 %. It depends on the order of all examples, so that the outputs
    of a whole split are kept until it is computed.
    """

    reads: ClassVar[tuple[PredictedKind, ...]] = CLASSES_AND_BINARY
    by_class: ClassVar[bool] = True
    unseen: ClassVar[float | None] = 0.5

    kind: Literal["auroc"] = "auroc"
    unit: str = "%"
    title: str = "area under the ROC curve"

    def value(self, predictions: Predictions) -> Tensor:
        """Return the area of each class, `[C]`, from the ranks of its examples (Mann and Whitney, 1947)."""
        logits = predictions.outputs.double()
        # In 64 bits and as logarithms, so that probabilities near 1 stay apart.
        scores = (logits.log_softmax(dim=1) if predictions.kind == "classes" else logits).T.contiguous()
        ordered = scores.sort(dim=1).values
        ranks = (torch.searchsorted(ordered, scores) + torch.searchsorted(ordered, scores, right=True) + 1) / 2
        true = predictions.is_true.T
        positives = true.sum(dim=1).double()
        negatives = true.shape[1] - positives
        above = (ranks.double() * true).sum(dim=1) - positives * (positives + 1) / 2
        return above / (positives * negatives)

"""The fraction of right answers."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from torch import Tensor

from harness.metrics._base import CLASSES_AND_BINARY, AbstractSummedMetric, counted
from harness.metrics.predictions import PredictedKind, Predictions

__all__ = ["Accuracy"]


class Accuracy(AbstractSummedMetric):
    """The fraction of answers that are right; of yes or no, over all columns.

    Every run has it as `accuracy/...` as well.
    """

    reads: ClassVar[tuple[PredictedKind, ...]] = CLASSES_AND_BINARY
    unseen: ClassVar[float | None] = 0.0

    kind: Literal["accuracy"] = "accuracy"
    unit: str = "%"
    title: str = "accuracy"

    def sums(self, predictions: Predictions) -> dict[str, Tensor]:
        """Return how many answers there are, and how many are right."""
        right = predictions.answers == predictions.truth
        return {"right": right.sum().double(), "count": counted(predictions)}

    def of_sums(self, sums: Mapping[str, Tensor]) -> Tensor:
        """Return the fraction."""
        return sums["right"] / sums["count"]

"""The mean squared error of probabilities."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from torch import Tensor

from harness.metrics._base import CLASSES_AND_BINARY, AbstractSummedMetric, Direction, counted
from harness.metrics.predictions import PredictedKind, Predictions

__all__ = ["BrierScore"]


class BrierScore(AbstractSummedMetric):
    """The squared distance of probabilities from the truth, summed over classes and averaged over examples.

    It lies between 0 and 2 for classes (Brier, 1950). In columns of yes or no, it is the mean of `(p - y)^2`, which
    lies between 0 and 1.
    """

    reads: ClassVar[tuple[PredictedKind, ...]] = CLASSES_AND_BINARY

    kind: Literal["brier_score"] = "brier_score"
    direction: Direction = "minimize"
    title: str = "Brier score"

    def sums(self, predictions: Predictions) -> dict[str, Tensor]:
        """Return the squared distances and how many there are."""
        distances = (predictions.probabilities - predictions.is_true.double()).square()
        return {"squared": distances.sum(), "count": counted(predictions)}

    def of_sums(self, sums: Mapping[str, Tensor]) -> Tensor:
        """Return the mean."""
        return sums["squared"] / sums["count"]

"""The mean negative logarithm of the probability of what is true."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from torch import Tensor

from harness.metrics._base import CLASSES_AND_BINARY, AbstractSummedMetric, Direction, counted
from harness.metrics.predictions import PredictedKind, Predictions

__all__ = ["LogLoss"]


class LogLoss(AbstractSummedMetric):
    """The mean of -ln p, p being the probability of what is true; in columns of yes or no, over all columns.

    It is the cross-entropy without the weights and the label smoothing that a loss may have.
    """

    reads: ClassVar[tuple[PredictedKind, ...]] = CLASSES_AND_BINARY

    kind: Literal["log_loss"] = "log_loss"
    direction: Direction = "minimize"
    unit: str = "nats"
    title: str = "log loss"

    def sums(self, predictions: Predictions) -> dict[str, Tensor]:
        """Return the sum of -ln p, and of how many."""
        return {"surprise": predictions.surprise.sum(), "count": counted(predictions)}

    def of_sums(self, sums: Mapping[str, Tensor]) -> Tensor:
        """Return the mean."""
        return sums["surprise"] / sums["count"]

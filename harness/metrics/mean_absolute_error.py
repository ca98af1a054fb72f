"""The mean absolute error of predicted numbers."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from torch import Tensor

from harness.metrics._base import TARGET, AbstractSummedMetric, Direction, counted
from harness.metrics.predictions import PredictedKind, Predictions

__all__ = ["MeanAbsoluteError"]


class MeanAbsoluteError(AbstractSummedMetric):
    """The mean of |prediction - truth| over examples and columns, in the target's unit.

    Every run has it as `mae/...` as well.
    """

    reads: ClassVar[tuple[PredictedKind, ...]] = ("values",)

    kind: Literal["mean_absolute_error"] = "mean_absolute_error"
    direction: Direction = "minimize"
    unit: str = TARGET
    title: str = "mean absolute error"

    def sums(self, predictions: Predictions) -> dict[str, Tensor]:
        """Return the sum of the errors, and how many there are."""
        return {"errors": (predictions.outputs - predictions.truth).abs().sum(), "count": counted(predictions)}

    def of_sums(self, sums: Mapping[str, Tensor]) -> Tensor:
        """Return the mean."""
        return sums["errors"] / sums["count"]

"""The root of the mean squared error of predicted numbers."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from torch import Tensor

from harness.metrics._base import TARGET, AbstractSummedMetric, Direction, counted
from harness.metrics.predictions import PredictedKind, Predictions

__all__ = ["RootMeanSquaredError"]


class RootMeanSquaredError(AbstractSummedMetric):
    """The root of the mean of (prediction - truth)^2 over examples and columns, in the target's unit.

    Every run has it as `rmse/...` as well.
    """

    reads: ClassVar[tuple[PredictedKind, ...]] = ("values",)

    kind: Literal["root_mean_squared_error"] = "root_mean_squared_error"
    direction: Direction = "minimize"
    unit: str = TARGET
    title: str = "root mean squared error"

    def sums(self, predictions: Predictions) -> dict[str, Tensor]:
        """Return the sum of the squared errors, and how many there are."""
        return {"squared": (predictions.outputs - predictions.truth).square().sum(), "count": counted(predictions)}

    def of_sums(self, sums: Mapping[str, Tensor]) -> Tensor:
        """Return the root of the mean."""
        return (sums["squared"] / sums["count"]).sqrt()

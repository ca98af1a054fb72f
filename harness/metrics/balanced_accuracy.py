"""Accuracy in which every class counts the same, however many examples it has."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from torch import Tensor

from harness.metrics._base import CLASSES_AND_BINARY, AbstractSummedMetric
from harness.metrics.predictions import PredictedKind, Predictions

__all__ = ["BalancedAccuracy"]


class BalancedAccuracy(AbstractSummedMetric):
    """The mean over classes of the fraction of their examples that is right; classes without examples do not count.

    In a column of yes or no, it is the mean of both fractions.
    """

    reads: ClassVar[tuple[PredictedKind, ...]] = CLASSES_AND_BINARY
    by_class: ClassVar[bool] = True
    unseen: ClassVar[float | None] = 0.0

    kind: Literal["balanced_accuracy"] = "balanced_accuracy"
    unit: str = "%"
    title: str = "balanced accuracy"

    def sums(self, predictions: Predictions) -> dict[str, Tensor]:
        """Return by column how many examples are true, and how many of these are answered so; also of a no."""
        true, answered = predictions.is_true, predictions.is_answered
        sums = {"true": true.sum(dim=0).double(), "right": (true & answered).sum(dim=0).double()}
        if predictions.kind == "binary":
            sums |= {"false": (~true).sum(dim=0).double(), "rejected": (~true & ~answered).sum(dim=0).double()}
        return sums

    def of_sums(self, sums: Mapping[str, Tensor]) -> Tensor:
        """Return the fraction of each class, or the mean of both of each column."""
        found = sums["right"] / sums["true"]
        return (found + sums["rejected"] / sums["false"]) / 2 if "false" in sums else found

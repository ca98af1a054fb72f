"""F1 of every class, averaged over classes."""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor

from harness.metrics._base import CLASSES_AND_BINARY, AbstractSummedMetric
from harness.metrics.predictions import PredictedKind, Predictions

__all__ = ["MacroF1"]


class MacroF1(AbstractSummedMetric):
    """The mean over classes of F1, the harmonic mean of precision and recall; classes without examples do not count.

    F1 of a class is 2 TP / (2 TP + FP + FN). In columns of yes or no, it is that of a yes.
    """

    reads: ClassVar[tuple[PredictedKind, ...]] = CLASSES_AND_BINARY
    by_class: ClassVar[bool] = True
    unseen: ClassVar[float | None] = 0.0

    kind: Literal["macro_f1"] = "macro_f1"
    unit: str = "%"
    title: str = "macro-averaged F1"

    def sums(self, predictions: Predictions) -> dict[str, Tensor]:
        """Return by column how many examples are true, how many are answered so, and how many are both."""
        true, answered = predictions.is_true, predictions.is_answered
        return {
            "true": true.sum(dim=0).double(),
            "answered": answered.sum(dim=0).double(),
            "right": (true & answered).sum(dim=0).double(),
        }

    def of_sums(self, sums: Mapping[str, Tensor]) -> Tensor:
        """Return F1 of each class, NaN of one without examples."""
        scores = 2 * sums["right"] / (sums["true"] + sums["answered"])
        return torch.where(sums["true"] > 0, scores, torch.nan)

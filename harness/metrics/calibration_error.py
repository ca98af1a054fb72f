"""How far probabilities are from the frequencies that they promise."""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from pydantic import PositiveInt
from torch import Tensor

from harness.metrics._base import CLASSES_AND_BINARY, AbstractSummedMetric, Direction
from harness.metrics.predictions import PredictedKind, Predictions

__all__ = ["CalibrationError"]


class CalibrationError(AbstractSummedMetric):
    """The expected calibration error (arXiv 1706.04599): the mean gap between confidence and accuracy.

    Answers are put in `bins` equally wide bins by their probability. The gap of a bin is that between its mean
    probability and the fraction of its answers that is right; each bin counts by its answers.
    """

    reads: ClassVar[tuple[PredictedKind, ...]] = CLASSES_AND_BINARY

    kind: Literal["calibration_error"] = "calibration_error"
    bins: PositiveInt = 10
    direction: Direction = "minimize"
    unit: str = "%"
    title: str = "expected calibration error"

    def sums(self, predictions: Predictions) -> dict[str, Tensor]:
        """Return by bin how many answers there are, how many are right, and the sum of their probabilities."""
        probabilities = predictions.probabilities
        if predictions.kind == "classes":
            confidence = probabilities.amax(dim=1)
        else:
            confidence = torch.maximum(probabilities, 1 - probabilities).flatten()
        right = (predictions.answers == predictions.truth).flatten().double()
        bins = (confidence * self.bins).long().clamp(max=self.bins - 1)
        # A product with a mask: scattering has no deterministic kernel on a GPU.
        inside = (bins == torch.arange(self.bins, device=bins.device)[:, None]).double()
        return {"count": inside.sum(dim=1), "right": inside @ right, "confidence": inside @ confidence}

    def of_sums(self, sums: Mapping[str, Tensor]) -> Tensor:
        """Return the mean gap."""
        return (sums["right"] - sums["confidence"]).abs().sum() / sums["count"].sum()

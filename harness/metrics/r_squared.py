"""The part of the targets' variance that predictions explain."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor

from harness.metrics._base import AbstractMetric
from harness.metrics.predictions import PredictedKind, Predictions

__all__ = ["RSquared"]


class RSquared(AbstractMetric):
    """1 - (squared errors) / (squared deviations of the targets from their mean), averaged over columns.

    It is 1 for perfect predictions, 0 for the targets' mean, and has no lower end. A column whose targets are all the
    same does not count.
    """

    reads: ClassVar[tuple[PredictedKind, ...]] = ("values",)

    kind: Literal["r_squared"] = "r_squared"
    title: str = "R squared"

    def value(self, predictions: Predictions) -> Tensor:
        """Return the mean over columns."""
        return self.whole([self.part(predictions)])

    def part(self, predictions: Predictions) -> dict[str, Tensor]:
        """Return by column the mean of the targets, their squared deviations from it, and the squared errors."""
        truth = predictions.truth
        mean = truth.mean(dim=0)
        return {
            "count": torch.full_like(mean, len(truth)),
            "mean": mean,
            "deviations": (truth - mean).square().sum(dim=0),
            "errors": (predictions.outputs - truth).square().sum(dim=0),
        }

    def whole(self, parts: Sequence[Mapping[str, Tensor]]) -> Tensor:
        """Return the metric; deviations are moved to the common mean (Chan, Golub and LeVeque, 1983)."""
        # Sums of plain squares would lose the digits of targets that are far from zero.
        each = {name: torch.stack([part[name] for part in parts]) for name in parts[0]}
        mean = (each["count"] * each["mean"]).sum(dim=0) / each["count"].sum(dim=0)
        moved = each["count"] * (each["mean"] - mean).square()
        deviations = (each["deviations"] + moved).sum(dim=0)
        explained = 1 - each["errors"].sum(dim=0) / deviations
        return explained.where(deviations > 0, torch.nan).nanmean()

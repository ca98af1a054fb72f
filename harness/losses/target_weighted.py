"""Regression in which large targets have more weight."""

from typing import Literal

from pydantic import NonNegativeFloat
from torch import Tensor

from harness.losses._base import AbstractOutputLoss, Batch

__all__ = ["TargetWeighted"]


class TargetWeighted(AbstractOutputLoss):
    """The mean error, weighted by `1 + slope * max(0, y - threshold)`.

    The truth y and `threshold` are in the target's own unit, even if it is standardized, and `slope` is per such unit;
    the error is in the units of the target as it is stored. The weights' sum divides, so their scale does not matter.
    """

    kind: Literal["target_weighted"] = "target_weighted"
    threshold: float
    slope: NonNegativeFloat
    error: Literal["squared", "absolute"] = "squared"

    def value(self, batch: Batch, output: str) -> Tensor:
        """Return the weighted mean over batch and columns."""
        values = batch.outputs[output].flatten(1)
        truth, weights = self._weighted(batch, output)
        errors = (values - truth).abs() if self.error == "absolute" else (values - truth) ** 2
        return (weights * errors).sum() / weights.sum()

    def counts(self, name: str, batch: Batch) -> dict[str, Tensor]:
        """Return the sum of the weights."""
        output = self.speaks_of(name)
        return {name: self._weighted(batch, output)[1].sum()} if output in batch.outputs else {}

    def _weighted(self, batch: Batch, output: str) -> tuple[Tensor, Tensor]:
        """Return the truth, and the weight of each of its values."""
        values = batch.outputs[output].flatten(1)
        truth = batch.target(output)[:, : values.shape[1]].to(values)
        scale = batch.specs.scale(output)
        excess = (truth * scale.std + (scale.mean - self.threshold)).clamp(min=0)
        return truth, 1 + self.slope * excess

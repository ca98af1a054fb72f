"""The fraction of examples whose class is among the most probable."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import PositiveInt, model_validator
from torch import Tensor

from harness.metrics._base import AbstractSummedMetric, counted
from harness.metrics.predictions import Predictions

__all__ = ["TopKAccuracy"]


class TopKAccuracy(AbstractSummedMetric):
    """The fraction of examples whose class is among the `k` most probable.

    Of classes that are equally probable, the first counts as more probable.
    """

    unseen: ClassVar[float | None] = 0.0

    kind: Literal["top_k_accuracy"] = "top_k_accuracy"
    k: PositiveInt = 5
    unit: str = "%"

    @model_validator(mode="before")
    @classmethod
    def _with_k_in_its_title(cls, content: Any) -> Any:
        if isinstance(content, Mapping) and not content.get("title"):
            return {**content, "title": f"top-{content.get('k', 5)} accuracy"}
        return content

    def sums(self, predictions: Predictions) -> dict[str, Tensor]:
        """Return how many examples there are, and of how many the class is among the first."""
        # A stable order: topk of equal values may take any of them, a GPU another one than a CPU.
        ranked = predictions.outputs.argsort(dim=1, descending=True, stable=True)[:, : self.k]
        return {"right": (ranked == predictions.truth[:, None]).sum().double(), "count": counted(predictions)}

    def of_sums(self, sums: Mapping[str, Tensor]) -> Tensor:
        """Return the fraction."""
        return sums["right"] / sums["count"]

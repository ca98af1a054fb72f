"""Among how many equally probable classes a network is as unsure as among those that there are."""

from collections.abc import Mapping
from typing import Literal

from torch import Tensor

from harness.metrics._base import AbstractSummedMetric, Direction, counted
from harness.metrics.predictions import Predictions

__all__ = ["Perplexity"]


class Perplexity(AbstractSummedMetric):
    """The exponential of the mean of -ln p, p being the probability of the true class, such as the next token.

    It is 1 if the network is always sure and right, and the number of classes if it gives all the same probability.
    """

    kind: Literal["perplexity"] = "perplexity"
    direction: Direction = "minimize"
    title: str = "perplexity"

    def sums(self, predictions: Predictions) -> dict[str, Tensor]:
        """Return the sum of -ln p, and of how many."""
        return {"surprise": predictions.surprise.sum(), "count": counted(predictions)}

    def of_sums(self, sums: Mapping[str, Tensor]) -> Tensor:
        """Return the exponential of the mean."""
        return (sums["surprise"] / sums["count"]).exp()

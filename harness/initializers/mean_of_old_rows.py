"""The mean of the rows that the layer already has."""

from typing import ClassVar, Literal

import torch
from pydantic import NonNegativeFloat
from torch import Tensor

from harness.initializers._base import AbstractInitializer, LayerContext, blank, old_rows_of

__all__ = ["MeanOfOldRows"]


class MeanOfOldRows(AbstractInitializer):
    """Every new row is the mean of the old ones plus normal noise, `noise` times their spread about that mean.

    The spread is `sqrt(mean((old - mean)^2))`, one number for the layer. A logit that is the mean of the others
    bounds the probability that the new class takes from the old ones (J. Hewitt, Initializing new word embeddings for
    pretrained language models, 2021).
    """

    kind: Literal["mean_of_old_rows"] = "mean_of_old_rows"
    reads_examples: ClassVar[bool] = False
    noise: NonNegativeFloat = 0.0

    def values(self, shape: tuple[int, ...], context: LayerContext, generator: torch.Generator) -> Tensor:
        """Return float32 values of `shape`."""
        old = old_rows_of(context, shape, self.kind)
        mean = old.mean(dim=0)
        spread = (old - mean).square().mean().sqrt()
        return mean + self.noise * spread * blank(shape).normal_(generator=generator)

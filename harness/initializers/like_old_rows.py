"""Rows drawn from the distribution of the rows that the layer already has."""

import math
from typing import ClassVar, Literal

import torch
from pydantic import NonNegativeFloat
from torch import Tensor

from harness.initializers._base import AbstractInitializer, LayerContext, old_rows_of

__all__ = ["LikeOldRows"]


class LikeOldRows(AbstractInitializer):
    """Normal with the mean of the old rows and `scale` times their covariance.

    With the default scale, new rows are all but equal to the mean, as where Hugging Face resizes an embedding; with 1
    they look like old ones. A logit that is the mean of the others bounds the probability that the new class takes from
    the old ones (J. Hewitt, Initializing new word embeddings for pretrained language models, 2021).
    """

    kind: Literal["like_old_rows"] = "like_old_rows"
    reads_examples: ClassVar[bool] = False
    scale: NonNegativeFloat = 1e-9

    def values(self, shape: tuple[int, ...], context: LayerContext, generator: torch.Generator) -> Tensor:
        """Return float32 values of `shape`."""
        old = old_rows_of(context, shape, self.kind).flatten(1 if len(shape) > 1 else 0).double()
        mean = old.mean(dim=0)
        # A sum of the n deviations with standard normal weights has n times their covariance, which may be singular.
        weights = torch.randn(shape[0], len(old), generator=generator, dtype=torch.float64)
        rows = mean + math.sqrt(self.scale / len(old)) * (weights @ (old - mean))
        return rows.float().reshape(shape)

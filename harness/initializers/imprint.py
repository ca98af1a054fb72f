"""Weights that are the mean feature of their class."""

from typing import Literal

import torch
from pydantic import PositiveFloat
from torch import Tensor
from torch.nn import functional

from harness.core.errors import SpecError
from harness.initializers._base import AbstractInitializer, LayerContext, examples_of, old_rows_of

__all__ = ["Imprint"]


class Imprint(AbstractInitializer):
    """The row of class c is `norm * m / |m|`, where m is the mean of `f / |f|` over the features f of its examples.

    Weight imprinting (arXiv 1712.07136). By default `norm` is the mean norm of the old rows, so that new logits have
    the size of the old ones, or 1 for a new layer.
    """

    kind: Literal["imprint"] = "imprint"
    norm: PositiveFloat | None = None

    def values(self, shape: tuple[int, ...], context: LayerContext, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Return float32 values of `shape`, which is a weight's."""
        features, targets = examples_of(context, shape, self.kind)
        member = functional.one_hot(targets + 1, shape[0] + 1)[:, 1:].float()
        absent = (member.sum(dim=0) == 0).nonzero().flatten().tolist()
        if absent:
            raise SpecError(f"expected examples of every new row for {self.kind!r}, found none of {absent}; add some")
        means = member.T @ functional.normalize(features, dim=1)
        return (self._norm(shape, context) * functional.normalize(means, dim=1)).reshape(shape)

    def _norm(self, shape: tuple[int, ...], context: LayerContext) -> float:
        if self.norm is not None:
            return self.norm
        if context.old is None or not len(context.old):
            return 1.0
        return float(old_rows_of(context, shape, self.kind).flatten(1).norm(dim=1).mean())

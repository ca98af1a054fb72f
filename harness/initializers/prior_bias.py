"""Biases that express how frequent the new classes are."""

from typing import Annotated, Literal

import torch
from pydantic import Field, NonNegativeFloat
from torch import Tensor

from harness.core.errors import SpecError
from harness.initializers._base import AbstractInitializer, LayerContext, targets_of

__all__ = ["PriorBias"]

Probability = Annotated[float, Field(gt=0, lt=1)]


class PriorBias(AbstractInitializer):
    """The bias of class c is the logit of the probability p_c, for weights of zero.

    For a softmax that is `log p_c`, up to a constant that all classes share; for a sigmoid it is `log(p_c / (1 - p_c))`
    (arXiv 1708.02002, section 4.1). Without a `prior`, p_c is the frequency of the class among the B targets of the
    probe, `(n_c + smoothing) / (B + smoothing * rows)`; B counts targets of no new class as well.

    Attributes:
        prior: one probability for each new row, or one for all.
        link: the function from a logit to a probability.
        smoothing: the number of examples added to the count of each class.
    """

    kind: Literal["prior_bias"] = "prior_bias"
    prior: Probability | tuple[Probability, ...] | None = None
    link: Literal["softmax", "sigmoid"] = "softmax"
    smoothing: NonNegativeFloat = 1.0

    def values(self, shape: tuple[int, ...], context: LayerContext, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Return float32 values of `shape` `[rows]`."""
        if len(shape) != 1:
            raise SpecError(
                f"expected a bias [rows] for {self.kind!r}, found the shape {list(shape)}; use it for biases"
            )
        prior = self._frequencies(shape[0], context) if self.prior is None else self._given(shape[0], self.prior)
        return (prior.log() if self.link == "softmax" else prior.logit()).float()

    def _given(self, rows: int, prior: float | tuple[float, ...]) -> Tensor:
        given = prior if isinstance(prior, tuple) else (prior,) * rows
        if len(given) != rows:
            raise SpecError(f"expected a prior for each of {rows} new rows, found {len(given)}; give {rows} or one")
        return torch.tensor(given, dtype=torch.float64)

    def _frequencies(self, rows: int, context: LayerContext) -> Tensor:
        targets = targets_of(context, rows, self.kind)
        counts = torch.bincount(targets[targets >= 0], minlength=rows).double() + self.smoothing
        frequencies = counts / (len(targets) + self.smoothing * rows)
        certain = self.link == "sigmoid" and frequencies.max() == 1
        if frequencies.min() == 0 or certain:
            raise SpecError(
                f"expected examples of every new class, and for a sigmoid of others, for {self.kind!r}; found the "
                f"frequencies {frequencies.tolist()}; give a smoothing above 0 or a prior"
            )
        return frequencies

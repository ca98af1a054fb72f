"""Weights of a ridge regression on the classes."""

from typing import Literal

import torch
from pydantic import PositiveFloat
from torch import Tensor
from torch.nn import functional

from harness.initializers._base import AbstractInitializer, LayerContext, examples_of

__all__ = ["Ridge"]


class Ridge(AbstractInitializer):
    """The rows `W = scale * Y^T X (X^T X + B * penalty * I)^-1`, for features X `[B, in]` and one-hot targets Y.

    They minimize `mean |W x - y|^2 + penalty * |W|^2` for `scale=1` (Hoerl and Kennard, Technometrics 1970; for the
    classes of a grown network arXiv 2205.14922). Examples of no new row have y = 0. Nothing is centered, so these
    weights are optimal for a layer without bias: fill the bias with `zeros`. Their logits lie near 0 and 1, which a
    softmax turns into similar probabilities; a larger `scale` makes these differ more.
    """

    kind: Literal["ridge"] = "ridge"
    penalty: PositiveFloat = 1e-2
    scale: PositiveFloat = 1.0

    def values(self, shape: tuple[int, ...], context: LayerContext, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Return float32 values of `shape`, which is a weight's."""
        features, targets = examples_of(context, shape, self.kind)
        inputs = features.double()
        wanted = functional.one_hot(targets + 1, shape[0] + 1)[:, 1:].double()
        gram = inputs.T @ inputs + len(inputs) * self.penalty * torch.eye(inputs.shape[1], dtype=torch.float64)
        rows: Tensor = torch.linalg.solve(gram, inputs.T @ wanted).T
        return (self.scale * rows).float().reshape(shape)

"""An output layer answers with cosines from now on."""

from typing import Literal

import torch
from pydantic import PositiveFloat
from torch import nn

from harness.core.errors import ModulePathError
from harness.growth.computed_weights import grown_as_plain
from harness.growth.new_rows import all_rows
from harness.growth.operations._base import AbstractOperation
from harness.growth.probe import Probe
from harness.growth.record import Growth, Promise
from harness.models.cosine import CosineLinear, ScaledCosines
from harness.models.output_layer import OutputLayer
from harness.models.widened import output_parts, replace_everywhere

__all__ = ["AnswerByCosines"]


class AnswerByCosines(AbstractOperation):
    """Let the linear output layer at `path` return cosines of the angles between features and rows, times a number.

    So no class has longer rows than another (LUCIR, Hou et al. 2019; arXiv 1804.09458). The rows keep their values and
    lose their biases; the number is learned. It is meant for the start of a run. The rows then are those of the layer
    `<path>.cosines`, which is widened and replaced like any other; at that path are the cosines that `MarginRanking`
    compares. The layer is born at this growth.

    Attributes:
        scale: the number at first.
    """

    kind: Literal["answer_by_cosines"] = "answer_by_cosines"
    path: str
    scale: PositiveFloat = 10.0

    def promise(self) -> Promise:
        """Return nothing: outputs change."""
        return Promise.NONE

    @property
    def reads_examples(self) -> bool:
        """Return False."""
        return False

    def apply(self, model: nn.Module, *, probe: Probe | None, generator: torch.Generator) -> Growth:  # noqa: ARG002
        """Replace the layer. Raises `ModulePathError` if it is no linear output layer, or cosines already."""
        return grown_as_plain(model, lambda: self._grow(model))

    def _grow(self, model: nn.Module) -> Growth:
        parts, before = output_parts(model, self.path), list(model.parameters())
        new = ScaledCosines(*self._layer(parts))
        replace_everywhere(model, self.path, new)
        extends = {
            parameter: parts[0].weight for parameter in new.parameters() if isinstance(parts[0].weight, nn.Parameter)
        }
        return Growth.between(before, model, extends=extends)

    def _layer(self, parts: tuple[OutputLayer, ...]) -> tuple[CosineLinear, torch.Tensor]:
        """Return the layer of all rows, and the number."""
        if any(not isinstance(part, nn.Linear) or isinstance(part, CosineLinear) for part in parts):
            found = type(parts[0]).__name__
            raise ModulePathError(f"expected nn.Linear at {self.path!r}, found {found}; name another output layer")
        weight, _ = all_rows(parts)
        layer = CosineLinear(weight.shape[1], len(weight), bias=False, device="meta")
        trained = any(parameter.requires_grad for part in parts for parameter in part.parameters())
        layer.weight = nn.Parameter(weight.clone(), requires_grad=trained)
        return layer, weight.new_tensor(self.scale)

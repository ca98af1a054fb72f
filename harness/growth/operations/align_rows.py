"""Rows that came late are brought to the length of the earlier ones."""

from typing import Literal

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from harness.core.errors import SpecError
from harness.growth.computed_weights import grown_as_plain
from harness.growth.new_rows import all_rows, late_rows, renewed
from harness.growth.operations._base import AbstractOperation
from harness.growth.probe import Probe
from harness.growth.record import Carried, Growth, Promise
from harness.models.output_layer import check_renewable
from harness.models.widened import output_parts

__all__ = ["AlignRows"]


class AlignRows(AbstractOperation):
    """Scale the rows from `first` on of the output layer at `path` to the mean length of the rows before them.

    Weight aligning (arXiv 1911.07053): classes that were learned last have longer rows, and take examples from earlier
    ones. All late rows get the same factor, so they still compare with each other as before; biases do not change. The
    rows keep their moments.
    """

    kind: Literal["align_rows"] = "align_rows"
    path: str
    first: PositiveInt

    def promise(self) -> Promise:
        """Return nothing: the late columns change."""
        return Promise.NONE

    def apply(self, model: nn.Module, *, probe: Probe | None, generator: torch.Generator) -> Growth:  # noqa: ARG002
        """Scale the rows. Raises `ModulePathError` for an impossible layer, `SpecError` without rows on both sides."""
        return grown_as_plain(model, lambda: self._grow(model))

    def _grow(self, model: nn.Module) -> Growth:
        parts, before = output_parts(model, self.path), list(model.parameters())
        factor = self._factor(all_rows(parts)[0].flatten(1).double().norm(dim=1))
        late = late_rows(parts, self.first, self.path)
        for part, _ in late:
            check_renewable(part, self.path, model, ("weight",), "align another layer")
        carried: tuple[Carried, ...] = ()
        for part, begin in late:
            weight = part.weight.detach().clone()
            weight[begin:] *= factor
            carried += renewed(model, part, weight, None, moments="zero")
        return Growth.between(before, model, carried=carried)

    def _factor(self, lengths: Tensor) -> float:
        """Return the mean length of the first rows over that of the others, given the `lengths` `[C]` of all."""
        if self.first >= len(lengths):
            raise SpecError(f"expected first={self.first} below the {len(lengths)} rows of {self.path!r}; lower it")
        early, late = lengths[: self.first].mean(), lengths[self.first :].mean()
        if not early > 0 or not late > 0:
            raise SpecError(f"expected rows of {self.path!r} with a length before and after {self.first}, found zeros")
        return float(early / late)

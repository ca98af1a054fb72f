"""More outputs for a layer that has some: new classes, new regression targets."""

from typing import Literal

import torch
from pydantic import PositiveInt
from torch import nn

from harness.core.errors import SpecError
from harness.growth.computed_weights import grown_as_plain
from harness.growth.new_rows import Rows, all_rows, beside, drawn_rows, outer_biases, renewed, stacked, with_columns
from harness.growth.operations._base import AbstractOperation
from harness.growth.probe import Probe
from harness.growth.record import Carried, Growth, Moments, Promise
from harness.initializers import AbstractInitializer, XavierUniform, Zeros
from harness.models.embeddings import follow_vocabulary
from harness.models.output_layer import OutputLayer, check_plain, output_layer_like
from harness.models.rows import check_rows, holders
from harness.models.widened import output_parts, widen

__all__ = ["WidenHead"]


class WidenHead(AbstractOperation):
    """Grow the output layer at `path`, an `nn.Linear` or `nn.Conv2d`, to `to` rows; the old rows come first.

    With `rows="own"` the old layer and its moments do not change, and the new rows are separate tensors: old outputs
    are the same to the bit, and the new rows learn at exactly the given rate. With `rows="in_place"` the layer gets
    bigger tensors: old outputs are the same but for rounding, `moments` says which moments the new rows have, and old
    and new rows cannot be trained differently. An embedding that is tied to the layer gets the new rows as well.

    Attributes:
        new_rows: fills the new weights, as part of the layer of `to` rows.
        new_bias: fills the new biases, if the layer has any.
        moments: only for `rows="in_place"`; see `Carried`.
    """

    kind: Literal["widen_head"] = "widen_head"
    path: str
    to: PositiveInt
    new_rows: AbstractInitializer = XavierUniform()
    new_bias: AbstractInitializer = Zeros()
    rows: Literal["own", "in_place"] = "own"
    moments: Moments = "zero"

    def promise(self) -> Promise:
        """Return that old columns are the same: to the bit, or but for rounding if all rows are in one tensor."""
        return Promise.EXACT if self.rows == "own" else Promise.CLOSE

    def apply(self, model: nn.Module, *, probe: Probe | None, generator: torch.Generator) -> Growth:
        """Add the rows. Raises `ModulePathError` for an impossible layer, `SpecError` if it has `to` rows or more."""
        return grown_as_plain(model, lambda: self._grow(model, probe, generator))

    def _grow(self, model: nn.Module, probe: Probe | None, generator: torch.Generator) -> Growth:
        parts, before = output_parts(model, self.path), list(model.parameters())
        old = all_rows(parts)
        have = len(old[0])
        if self.to <= have:
            raise SpecError(f"expected to={self.to} to exceed the outputs of {self.path!r}, found {have} of them")
        if self.rows == "in_place":
            self._check_in_place(model, parts[-1])
        new = drawn_rows(
            model,
            self.path,
            (self.new_rows, self.new_bias),
            total=self.to,
            count=self.to - have,
            probe=probe,
            generator=generator,
        )
        columns = (*range(have), *[None] * (self.to - have))
        outer = outer_biases(model, self.path)
        carried, extends = self._add(model, parts, new)
        carried += with_columns(model, outer, columns, self.moments)
        return Growth.between(before, model, carried=carried, columns={self.path: columns}, extends=extends)

    def _add(
        self, model: nn.Module, parts: tuple[OutputLayer, ...], new: Rows
    ) -> tuple[tuple[Carried, ...], dict[nn.Parameter, nn.Parameter]]:
        last = parts[-1]
        if self.rows == "own":
            trainable = any(parameter.requires_grad for part in parts for parameter in part.parameters())
            part = output_layer_like(last, *new, trainable=trainable)
            widen(model, self.path, part)
            return (), beside(parts[0], part)
        have, tied = len(last.weight), [holder.path for holder in holders(model, last.weight)]
        carried = renewed(model, last, *stacked(last, new), moments=self.moments)
        if len(tied) > 1:
            follow_vocabulary(model, tied, have, len(last.weight))
        return carried, {}

    def _check_in_place(self, model: nn.Module, last: OutputLayer) -> None:
        check_plain(last, self.path, ("weight", "bias"), "use rows='own'")
        for tensor in (last.weight, last.bias):
            if tensor is not None:
                check_rows(model, tensor, self.path, "use rows='own'")

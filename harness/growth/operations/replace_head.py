"""A new output layer instead of the old one."""

from collections.abc import Mapping
from typing import Literal

import torch
from pydantic import NonNegativeInt, PositiveInt, model_validator
from torch import Tensor, nn

from harness.core.errors import SpecError
from harness.growth.computed_weights import grown_as_plain
from harness.growth.new_rows import Rows, all_rows, beside, drawn_rows, outer_biases, with_columns
from harness.growth.operations._base import AbstractOperation
from harness.growth.probe import Probe
from harness.growth.record import Growth, Promise
from harness.initializers import AbstractInitializer, XavierUniform, Zeros
from harness.models.output_layer import output_layer_like
from harness.models.teacher import keep_teacher
from harness.models.widened import output_parts, replace_everywhere

__all__ = ["ReplaceHead"]


class ReplaceHead(AbstractOperation):
    """Replace the output layer at `path` by one of `to` rows.

    Rows in `rows_from` are copies of old ones, so their columns are the same but for rounding. All others are new. The
    whole layer is born at this growth: a policy that freezes old parameters does not freeze it, and it has no moments.

    Attributes:
        rows_from: by new row, the old row that it copies; for example the rows of 20 of 1000 classes.
        new_rows: fills the other weights, as part of a layer of `to` rows.
        new_bias: fills the other biases, if the layer has any.
        keep_teacher: whether the network before the growth is kept as `model.teacher`, for distillation.
    """

    kind: Literal["replace_head"] = "replace_head"
    path: str
    to: PositiveInt
    rows_from: Mapping[NonNegativeInt, NonNegativeInt] = {}
    new_rows: AbstractInitializer = XavierUniform()
    new_bias: AbstractInitializer = Zeros()
    keep_teacher: bool = False

    @model_validator(mode="after")
    def _rows_exist(self) -> "ReplaceHead":
        if self.rows_from and max(self.rows_from) >= self.to:
            raise ValueError(f"expected new rows below to={self.to} in rows_from, found {max(self.rows_from)}")
        return self

    def promise(self) -> Promise:
        """Return that copied columns are the same but for rounding."""
        return Promise.CLOSE

    @property
    def keeps_teacher(self) -> bool:
        """Whether the setting `keep_teacher` is on."""
        return self.keep_teacher

    def apply(self, model: nn.Module, *, probe: Probe | None, generator: torch.Generator) -> Growth:
        """Replace the layer. Raises `ModulePathError` for no output layer, `SpecError` for missing old rows."""
        return grown_as_plain(model, lambda: self._grow(model, probe, generator))

    def _grow(self, model: nn.Module, probe: Probe | None, generator: torch.Generator) -> Growth:
        parts, before = output_parts(model, self.path), list(model.parameters())
        old = all_rows(parts)
        if self.rows_from and max(self.rows_from.values()) >= len(old[0]):
            highest = max(self.rows_from.values())
            raise SpecError(f"expected old rows below {len(old[0])} of {self.path!r} in rows_from, found {highest}")
        new = drawn_rows(
            model,
            self.path,
            (self.new_rows, self.new_bias),
            total=self.to,
            count=self.to - len(self.rows_from),
            probe=probe,
            generator=generator,
        )
        trainable = any(parameter.requires_grad for part in parts for parameter in part.parameters())
        layer = output_layer_like(parts[0], *self._mixed(old, new), trainable=trainable)
        teacher = keep_teacher(model) if self.keep_teacher else None
        columns, outer = tuple(map(self.rows_from.get, range(self.to))), outer_biases(model, self.path)
        replace_everywhere(model, self.path, layer)
        carried = with_columns(model, outer, columns, "reset")
        if teacher is not None:
            teacher.join(model)
        return Growth.between(
            before, model, carried=carried, columns={self.path: columns}, extends=beside(parts[0], layer)
        )

    def _mixed(self, old: Rows, new: Rows) -> Rows:
        weight, bias = old
        return self._mix(weight, new[0]), None if bias is None or new[1] is None else self._mix(bias, new[1])

    def _mix(self, old: Tensor, new: Tensor) -> Tensor:
        """Return `[to, ...]`: the copied rows at their indices, and the new ones, in order, at all others."""
        mixed = old.new_empty(self.to, *old.shape[1:])
        fresh = [row for row in range(self.to) if row not in self.rows_from]
        mixed[list(self.rows_from)] = old[list(self.rows_from.values())]
        mixed[fresh] = new.to(old)
        return mixed

"""One class becomes several."""

import math
from typing import Annotated, Literal

import torch
from pydantic import Field, NonNegativeFloat, NonNegativeInt
from torch import Tensor, nn

from harness.core.errors import SpecError
from harness.growth.computed_weights import grown_as_plain
from harness.growth.new_rows import Rows, beside, outer_biases, renewed, stacked, with_columns
from harness.growth.operations._base import AbstractOperation
from harness.growth.probe import Probe
from harness.growth.record import Carried, Growth, Moments, Promise
from harness.models.output_layer import OutputLayer, check_renewable, output_layer_like
from harness.models.widened import check_replaceable, output_parts, widen

__all__ = ["SplitClass"]


class SplitClass(AbstractOperation):
    """Split the class in column `parent` of the output layer at `path` into `children`, each a copy of it at first.

    The first child takes the parent's column; the others are appended. Every child gets its own noise. With
    `keep_probability` each child's bias is the parent's minus `log(children)`: the softmax then has `children` terms
    `exp(z) / children` instead of `exp(z)`, so all other probabilities stay the same and the children share the
    parent's. Without noise this is exact but for rounding. Kept rows keep their moments; the first child gets those of
    the parent.

    Attributes:
        noise: standard deviation of the noise, in units of that of the parent's weights.
        rows: `own` gives the appended children tensors of their own, without moments; `in_place` appends them to those
            of the old rows.
        moments: only for `rows="in_place"`; see `Carried`.
    """

    kind: Literal["split_class"] = "split_class"
    path: str
    parent: NonNegativeInt
    children: Annotated[int, Field(ge=2)]
    noise: NonNegativeFloat = 0.0
    keep_probability: bool = True
    rows: Literal["own", "in_place"] = "own"
    moments: Moments = "zero"

    def promise(self) -> Promise:
        """Return that all columns are the same but for rounding, unless biases or noise make the children differ."""
        return Promise.NONE if self.noise or self.keep_probability else Promise.CLOSE

    def apply(self, model: nn.Module, *, probe: Probe | None, generator: torch.Generator) -> Growth:  # noqa: ARG002
        """Split the class. Raises `ModulePathError` for an impossible layer, `SpecError` if it has no such class."""
        return grown_as_plain(model, lambda: self._grow(model, generator))

    def _grow(self, model: nn.Module, generator: torch.Generator) -> Growth:
        parts, before = output_parts(model, self.path), list(model.parameters())
        have = sum(len(part.weight) for part in parts)
        holder, row = self._find(parts)
        self._check(model, parts, holder)
        children = self._children(holder, row, generator)
        first, others = (_cut(children, 0, 1), _cut(children, 1, self.children))
        columns = (*range(have), *[self.parent] * (self.children - 1))
        outer = outer_biases(model, self.path)
        if self.rows == "own":
            carried = self._exchange(model, holder, row, first)
            trainable = any(parameter.requires_grad for parameter in holder.parameters())
            part = output_layer_like(holder, *others, trainable=trainable)
            widen(model, self.path, part)
            extends = beside(parts[0], part)
        else:
            carried, extends = self._append(model, parts[-1], holder, row, first, others), {}
        carried += with_columns(model, outer, columns, self.moments)
        return Growth.between(before, model, carried=carried, columns={self.path: columns}, extends=extends)

    def _find(self, parts: tuple[OutputLayer, ...]) -> tuple[OutputLayer, int]:
        """Return the part that holds the parent, and its row there."""
        row = self.parent
        for part in parts:
            if row < len(part.weight):
                return part, row
            row -= len(part.weight)
        raise SpecError(
            f"expected a parent below {self.parent - row}, the outputs of {self.path!r}; found {self.parent}"
        )

    def _check(self, model: nn.Module, parts: tuple[OutputLayer, ...], holder: OutputLayer) -> None:
        if self.keep_probability and holder.bias is None:
            raise SpecError(
                f"expected a bias at {self.path!r} to keep the probability of class {self.parent}, found none; "
                "set keep_probability=False, which lets its children have more of it, or use a layer with a bias"
            )
        advice = "noise=0 leaves weights as they are, keep_probability=False biases"
        check_renewable(holder, self.path, model, self._renewed_names(), advice)
        if self.rows == "in_place":
            check_renewable(parts[-1], self.path, model, ("weight", "bias"), "use rows='own'")
        else:
            check_replaceable(model, self.path)

    def _renewed_names(self) -> tuple[str, ...]:
        return (*(["weight"] if self.noise else []), *(["bias"] if self.keep_probability else []))

    def _children(self, holder: OutputLayer, row: int, generator: torch.Generator) -> Rows:
        """Return the children's rows, in the type of the parent's."""
        parent = holder.weight[row].detach()
        weight = parent.expand(self.children, *parent.shape)
        if self.noise:
            noise = torch.randn(weight.shape, generator=generator).to(parent)
            weight = weight + self.noise * parent.std(correction=0) * noise
        if holder.bias is None:
            return weight, None
        bias = holder.bias[row : row + 1].detach() - (math.log(self.children) if self.keep_probability else 0.0)
        return weight, bias.expand(self.children)

    def _exchange(self, model: nn.Module, holder: OutputLayer, row: int, first: Rows) -> tuple[Carried, ...]:
        """Put the first child in the parent's row; tensors with equal values are not replaced."""
        names = self._renewed_names()
        weight = _with_row(holder.weight, row, first[0]) if "weight" in names else None
        bias = _with_row(holder.bias, row, first[1]) if "bias" in names else None
        return renewed(model, holder, weight, bias, moments="zero")

    def _append(
        self, model: nn.Module, last: OutputLayer, holder: OutputLayer, row: int, first: Rows, others: Rows
    ) -> tuple[Carried, ...]:
        """Put the first child in the parent's row and the others after the last one."""
        grown = stacked(last, others)
        if last is not holder:
            return (*self._exchange(model, holder, row, first), *renewed(model, last, *grown, moments=self.moments))
        weight, bias = (
            None if values is None else _with_row(values, row, new) for values, new in zip(grown, first, strict=True)
        )
        return renewed(model, last, weight, bias, moments=self.moments)


def _cut(rows: Rows, begin: int, end: int) -> Rows:
    weight, bias = rows
    return weight[begin:end], None if bias is None else bias[begin:end]


def _with_row(values: Tensor | None, row: int, new: Tensor | None) -> Tensor | None:
    """Return a copy of `values` whose `row` is `new`."""
    if values is None or new is None:
        return None
    changed = values.detach().clone()
    changed[row] = new[0]
    return changed

"""How a network got its shape: what was done to it, in order, so that it can be done to a fresh one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor, nn

from harness.core.errors import HarnessError, SnapshotError
from harness.core.spec import explain
from harness.growth.declared_sizes import declared_sizes, follow_columns
from harness.growth.example import Example
from harness.growth.lineage import operate_on
from harness.growth.operations import AbstractOperation
from harness.growth.plain_layers import make_plain
from harness.growth.probe import Probe
from harness.growth.tree import from_tree, to_tree

__all__ = ["Reshaping", "rebuild"]


@dataclass(frozen=True)
class Reshaping:
    """One change of a network's shape.

    Attributes:
        operation: what was done; None if widened layers became plain.
        keep_teacher: whether the network kept a copy of itself before.
        example: of the probe that the operation had.
        module: the path of the network to which it was done, in the one around it.
    """

    operation: AbstractOperation | None
    keep_teacher: bool = False
    example: Example | None = None
    module: str = ""

    def within(self, name: str) -> "Reshaping":
        """Return the same change of a network that holds the one that was changed as its module `name`."""
        return replace(self, module=".".join(part for part in (name, self.module) if part))

    def to_tree(self, tensors: dict[str, Tensor], name: str) -> dict[str, Any]:
        """Return JSON, and put tensors of the example into `tensors` under names that begin with `name`."""
        example = self.example and to_tree(vars(self.example), tensors, name)
        operation = self.operation and self.operation.to_json()
        return {
            "operation": operation,
            "keep_teacher": self.keep_teacher,
            "example": example,
            "module": self.module,
        }

    @classmethod
    def from_tree(cls, content: dict[str, Any], tensors: dict[str, Tensor]) -> "Reshaping":
        """Return what `to_tree` was called on.

        Raises:
            SnapshotError: an operation is not known here; a class of one's own must be imported first.
        """
        try:
            operation = content["operation"] and AbstractOperation.model_validate(content["operation"])
        except ValidationError as error:
            raise SnapshotError(f"expected an operation that is known here, found another: {explain(error)}") from None
        example = content["example"] and Example(**from_tree(content["example"], tensors))
        return cls(operation, content["keep_teacher"], example, content["module"])


def rebuild(model: nn.Module, recipe: Sequence[Reshaping], *, probe: Probe | None = None) -> None:
    """Give a fresh `model` the shape that `recipe` led to; its values must be loaded afterwards.

    Args:
        model: as it was before its first growth.
        recipe: in the order in which it was done.
        probe: a batch of the same kind as those of the growths; by default one is made up.

    Raises:
        SnapshotError: an operation cannot be repeated; the message says why.
    """
    for number, change in enumerate(recipe, start=1):
        try:
            _repeat(model.get_submodule(change.module), change, probe)
        except (HarnessError, RuntimeError, ValueError, TypeError, LookupError, AttributeError) as error:
            first = str(error).split("\n")[0]
            raise SnapshotError(
                f"expected a fresh network as before its growths, found that change {number} of its shape cannot be "
                f"repeated: {first}; build it as it was at first, and if its batches are of a class of their own, give "
                "one: probe=Probe(batch)"
            ) from error


def _repeat(model: nn.Module, change: Reshaping, probe: Probe | None) -> None:
    if change.operation is None:
        make_plain(model)
        return
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    example = None if change.example is None else change.example.probe(device)
    declared = declared_sizes(model)
    growth = operate_on(
        model, change.operation, keep_teacher=change.keep_teacher, probe=probe or example, generator=torch.Generator()
    )
    follow_columns(model, growth.columns, declared)

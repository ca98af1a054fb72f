"""A branch leaves."""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn

from harness.core.errors import ModulePathError, SpecError
from harness.core.spec import did_you_mean
from harness.growth.operations._base import AbstractOperation
from harness.growth.probe import Probe
from harness.growth.record import Carried, Growth, Promise
from harness.growth.rollback import all_or_nothing
from harness.models.branches import BRANCHES, Branches, joinings, joins_of, root_of, widths, without_branch
from harness.models.call import call
from harness.models.cascade import Cascading
from harness.models.eval_mode import without_side_effects
from harness.models.growable import GrowableModel
from harness.models.output_layer import check_renewable
from harness.models.paths import short_path
from harness.models.rows import successor
from harness.models.widened import output_parts

__all__ = ["RemoveBranch"]


class RemoveBranch(AbstractOperation):
    """Take the branch `name` away, with the columns of the layers that read it: the other half of `AddBranch`.

    What is read of other features stays the same, with its moments. A unit of `AddCascadeUnit` can leave in the same
    way as long as it is the last of its layer. Once nothing else has joined, the network is as it was before.
    """

    kind: Literal["remove_branch"] = "remove_branch"
    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]

    def promise(self) -> Promise:
        """Return nothing: outputs lose what the branch added to them."""
        return Promise.NONE

    def apply(self, model: nn.Module, *, probe: Probe | None, generator: torch.Generator) -> Growth:  # noqa: ARG002
        """Remove it. Raises `SpecError` for no such branch, `ModulePathError` if something else reads it."""
        if probe is None:
            raise SpecError("expected inputs to find what is read of the branch, found none; give probe=Probe(inputs)")
        self._check(model)
        before, source = list(model.parameters()), f"{BRANCHES}.{self.name}"
        with all_or_nothing(model):
            readers = joins_of(model, source)
            columns = {name: self._columns(model, name, layer, probe) for name, layer in readers.items()}
            inside = f"{'backbone.' if root_of(model) is not model else ''}{source}."
            without_branch(model, self.name)
            carried = tuple(
                item
                for name, (begin, end) in columns.items()
                if not name.startswith(inside)
                for item in _without_columns(model, short_path(model, name), begin, end)
            )
        return Growth.between(before, model, carried=carried)

    def _check(self, model: nn.Module) -> None:
        root, source = root_of(model), f"{BRANCHES}.{self.name}"
        held = getattr(root, BRANCHES, None)
        known = dict(held.named_children()) if isinstance(held, Branches) else {}
        if self.name not in known:
            raise SpecError(f"no branch {self.name!r} to remove.{did_you_mean(self.name, known)}")
        taps = model.taps if isinstance(model, GrowableModel) else {}
        if heads := [head for head, tap in taps.items() if f"{tap}.".startswith(f"{source}.")]:
            raise ModulePathError(f"expected no head that reads {source!r}, found {heads[0]!r}; remove the head first")
        for name, layer in model.named_modules():
            for hook in joinings(layer).values():
                if hook.source.startswith(f"{source}.") and f"{source}." not in name:
                    raise ModulePathError(
                        f"expected no layer that reads what lies in {source!r}, found {short_path(model, name)!r}, "
                        f"which reads {hook.source!r}; remove that first"
                    )

    def _columns(self, model: nn.Module, name: str, layer: nn.Module, probe: Probe) -> tuple[int, int]:
        """Return the first column that reads the branch, and the first one behind those."""
        order = list(joinings(layer).items())
        place = next(index for index, (_, hook) in enumerate(order) if hook.source == f"{BRANCHES}.{self.name}")
        if later := [hook.source for _, hook in order[place + 1 :] if isinstance(hook, Cascading)]:
            raise ModulePathError(
                f"expected no unit of {short_path(model, name)!r} that came later and reads {self.name!r}, found "
                f"{later[0]!r}; remove that first"
            )
        with widths(layer) as found, without_side_effects(model, probe.inputs):
            call(model, probe.inputs)
        behind = sum(found[key] for key, _ in order[place:])
        begin = output_parts(model, short_path(model, name))[0].weight.shape[1] - behind
        return begin, begin + found[order[place][0]]


def _without_columns(model: nn.Module, path: str, begin: int, end: int) -> list[Carried]:
    """Let the layer at `path` read no more what its columns from `begin` to `end` read."""
    carried = []
    for part in output_parts(model, path):
        check_renewable(part, path, model, ("weight",), "untie it first")
        old = part.get_parameter("weight")
        kept = torch.tensor([*range(begin), *range(end, old.shape[1])], device=old.device)
        new = successor(old, old.detach()[:, kept])
        assert isinstance(new, nn.Parameter)
        part.weight = new
        vars(part)["in_features"] -= end - begin
        rows = slice(0, len(old))
        carried.append(Carried(old, new, (rows, slice(0, len(kept))), source=(rows, kept)))
    return carried

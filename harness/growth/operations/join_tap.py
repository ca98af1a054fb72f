"""A layer reads the features of another module as well."""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn

from harness.core.errors import ModulePathError, SpecError
from harness.growth.joined import joined
from harness.growth.operations._base import AbstractOperation
from harness.growth.probe import Probe
from harness.growth.record import Growth, Moments, Promise
from harness.growth.rollback import all_or_nothing
from harness.models.branches import BRANCHES, Joining, branches_of, keep, root_of
from harness.models.cascade import CascadeUnit
from harness.models.pooling import Pool
from harness.models.taps import capture

__all__ = ["JoinTap"]


class JoinTap(AbstractOperation):
    """Let the linear layer at `path` read the features at `tap` beside its own input.

    So a head reads several taps, a layer gets a connection past others, or a branch a lateral one (progressive
    networks, arXiv 1606.04671). The layer's new columns begin at zero, so outputs are the same but for rounding. The
    tap is a module path of the network that is called before the layer, or `branches.<name>`.

    Attributes:
        pool: what becomes `[B, F]` of sequences and maps, if the layer reads rows `[B, F]`; over all positions.
        moments: of the new columns, see `Carried`.
    """

    kind: Literal["join_tap"] = "join_tap"
    path: str
    tap: Annotated[str, Field(min_length=1)]
    pool: Pool = "mean"
    moments: Moments = "zero"

    def promise(self) -> Promise:
        """Return that outputs are the same but for rounding."""
        return Promise.CLOSE

    def apply(self, model: nn.Module, *, probe: Probe | None, generator: torch.Generator) -> Growth:  # noqa: ARG002
        """Join it. Raises `ModulePathError` or `TapNotFoundError` where that is impossible."""
        if probe is None:
            raise SpecError("expected inputs to find the size of a tap, found none; give probe=Probe(inputs)")
        before, root = list(model.parameters()), root_of(model)
        with all_or_nothing(model):
            with capture(root, [self.tap]):  # which says what taps there are
                branches = branches_of(root)
            if isinstance(root.get_submodule(self.tap), CascadeUnit):
                raise ModulePathError(
                    f"expected a branch or a tap, found {self.tap!r}, a unit of one layer; name another"
                )
            if self.tap.rpartition(".")[0] != BRANCHES:
                keep(root, self.tap)
            carried = joined(model, self.path, Joining(branches, self.tap, self.pool), probe, self.moments)
        return Growth.between(before, model, carried=carried)

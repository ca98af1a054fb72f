"""Fewer units or channels for a hidden layer."""

from typing import Annotated, Literal

import torch
from pydantic import Field, NonNegativeInt, PositiveInt, model_validator
from torch import Tensor, nn

from harness.core.errors import InputError, ModulePathError, SpecError
from harness.growth.computed_weights import grown_as_plain
from harness.growth.operations._base import AbstractOperation
from harness.growth.probe import Probe
from harness.growth.record import Growth, Promise
from harness.growth.scores import AbstractScore, MagnitudeScore, Seen
from harness.growth.spaces.both_modes import in_either_mode
from harness.growth.spaces.pruning import prune_space
from harness.growth.spaces.wanted import Wanted
from harness.models.growable import GrowableModel

__all__ = ["PruneUnits"]

# What those who find the units say of growing.
WORDS = (
    ("can get more units", "can lose units"),
    ("that can have more heads", "that can have fewer heads"),
    ("widen them together", "prune them together"),
    ("widen the head instead", "replace the head instead"),
    ("widen the network before", "prune the network before"),
)


class PruneUnits(AbstractOperation):
    """Let units of a layer leave, with the inputs of the layers that read them, and their entries in norms.

    `path` names a linear layer, a convolution or an embedding; or an attention module, whose units are key-value heads.
    What reads the units is found by calling the network, as by `WidenLayer`, and proved: for the probe the network must
    compute what it computed before with zeros in place of what is read of these units. All other units keep their
    values, their order and their moments.

    Attributes:
        by: the number of units that leave; or
        to: the number of units afterwards; or
        units: those that leave, by their index.
        score: which units leave: those with the lowest; of equal ones those that come first.
        fill: with what their readers go on. `mean` is the mean of what they read of a unit for the probe, which goes to
            their biases; but for the borders of padded convolutions.
        together: other layers that write to the same units, as in `WidenLayer`.
        readers: the layers that read the units, if they cannot be found.
        rows: how many outputs of the layer a unit is, such as the size of a head.
    """

    kind: Literal["prune_units"] = "prune_units"
    path: str
    by: PositiveInt | None = None
    to: PositiveInt | None = None
    units: Annotated[tuple[NonNegativeInt, ...], Field(min_length=1)] | None = None
    score: AbstractScore = MagnitudeScore()
    fill: Literal["zero", "mean"] = "zero"
    together: tuple[str, ...] | Literal["all"] = ()
    readers: tuple[str, ...] = ()
    rows: PositiveInt = 1

    @model_validator(mode="after")
    def _one_size(self) -> "PruneUnits":
        if [self.by, self.to, self.units].count(None) != 2:
            raise ValueError(f"expected one of by, to and units, found by={self.by} to={self.to} units={self.units}")
        if self.units is not None and len(set(self.units)) < len(self.units):
            raise ValueError(f"expected each unit once, found {self.units}")
        return self

    def promise(self) -> Promise:
        """Return nothing: outputs lose what the units added to them."""
        return Promise.NONE

    @property
    def reads_loss(self) -> bool:
        """Whether the score follows from the loss; once units are chosen, nothing does."""
        return self.units is None and self.score.reads_loss

    def apply(self, model: nn.Module, *, probe: Probe | None, generator: torch.Generator) -> Growth:
        """Prune. Raises `ModulePathError` where it is impossible, `SpecError` for an impossible number of units."""
        if probe is None:
            raise SpecError("expected inputs to see what the layer's readers are, found none; give probe=Probe(inputs)")
        try:
            return in_either_mode(
                generator, lambda: grown_as_plain(model, lambda: self._prune(model, probe, generator))
            )
        except InputError as error:
            kind = SpecError if isinstance(error, SpecError) else ModulePathError
            raise kind(_said_of_pruning(model, str(error))) from None

    def _prune(self, model: nn.Module, probe: Probe, generator: torch.Generator) -> Growth:
        before = list(model.parameters())
        carried, units = prune_space(
            model,
            probe,
            Wanted.of(model, self.path, self.together, self.readers, self.rows, self._count),
            lambda seen, count: self._lowest(seen, count, generator),
            means=self.fill == "mean",
        )
        chosen = self.model_copy(update={"by": None, "to": None, "units": units})
        return Growth.between(before, model, carried=carried, chosen=chosen)

    def _lowest(self, seen: Seen, count: int, generator: torch.Generator) -> Tensor:
        """Return `count` units `[N]` in their order."""
        size = len(seen.incoming[0])
        if self.units is None:
            scores = self.score.scores(seen, generator)
            return scores.argsort(stable=True)[:count].sort().values
        groups = sorted({unit * count // len(self.units) for unit in self.units})
        if groups[-1] >= size or len(groups) != count:
            most = size * len(self.units) // max(count, 1)
            raise SpecError(f"expected units below {most} of {self.path!r}, in whole groups, found {self.units}")
        return torch.tensor(groups)

    def _count(self, units: int) -> int:
        if self.units is not None:
            return len(self.units)
        if self.by is not None:
            return self.by
        if self.to is None or self.to >= units:
            raise SpecError(f"expected to={self.to} below the units of {self.path!r}, found {units} of them")
        return units - self.to


def _said_of_pruning(model: nn.Module, message: str) -> str:
    message = message.replace("'backbone.", "'") if isinstance(model, GrowableModel) else message
    for growing, pruning in WORDS:
        message = message.replace(growing, pruning)
    return message

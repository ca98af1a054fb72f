"""Units with drawn weights, as in a new network."""

from typing import Literal

import torch
from pydantic import model_validator

from harness.growth.record import Promise
from harness.growth.units._base import AbstractUnits, NewUnits, Surroundings, drawn_columns, drawn_rows
from harness.initializers import AbstractInitializer, KaimingUniform, Zeros

__all__ = ["RandomUnits"]


class RandomUnits(AbstractUnits):
    """Units with drawn incoming weights; their outgoing weights are zero unless `outgoing` says otherwise.

    Only one side may be zero: with zero outgoing weights, these have a gradient from the first step on, and the
    incoming weights from the second.
    """

    kind: Literal["random"] = "random"
    incoming: AbstractInitializer = KaimingUniform()
    outgoing: AbstractInitializer = Zeros()

    @model_validator(mode="after")
    def _can_learn(self) -> "RandomUnits":
        if self.incoming.silences:
            raise ValueError("expected incoming weights that differ, found zeros; outgoing may be zeros")
        return self

    def promise(self) -> Promise:
        """Return that outputs are the same but for rounding if outgoing weights are zero."""
        return Promise.CLOSE if self.outgoing.silences else Promise.NONE

    def units(self, around: Surroundings, added: int, generator: torch.Generator) -> NewUnits:
        """Return the units."""
        rows = drawn_rows(around, added, self.incoming, generator)
        columns = drawn_columns(around, added, self.outgoing, generator)
        outgoing = tuple(torch.cat([old, new], dim=1) for old, new in zip(around.outgoing, columns, strict=True))
        return NewUnits(rows, around.no_bias(added), outgoing)

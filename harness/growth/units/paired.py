"""Units in pairs that cancel."""

from typing import Literal

import torch
from pydantic import model_validator

from harness.core.errors import SpecError
from harness.growth.record import Promise
from harness.growth.units._base import AbstractUnits, NewUnits, Surroundings, drawn_columns, drawn_rows
from harness.initializers import AbstractInitializer, KaimingUniform, XavierUniform

__all__ = ["PairedUnits"]


class PairedUnits(AbstractUnits):
    """Pairs of units with the same incoming weights V, and outgoing weights Z and -Z, so that they cancel.

    The gradients of the two V are opposite, so the units of a pair differ after the first update. Dropout can drop one
    of a pair without the other: in train mode they cancel only on average. `incoming` fills V and `outgoing` Z.
    """

    kind: Literal["pair"] = "pair"
    incoming: AbstractInitializer = KaimingUniform()
    outgoing: AbstractInitializer = XavierUniform()

    @model_validator(mode="after")
    def _can_learn(self) -> "PairedUnits":
        if self.incoming.silences or self.outgoing.silences:
            raise ValueError(
                "expected weights that differ on both sides of a pair, found zeros; use 'random' for those"
            )
        return self

    def promise(self) -> Promise:
        """Return that outputs are the same but for rounding."""
        return Promise.CLOSE

    def units(self, around: Surroundings, added: int, generator: torch.Generator) -> NewUnits:
        """Return the pairs, the first of each before the second of each. Raises `SpecError` if `added` is odd."""
        if added % 2:
            raise SpecError(f"expected an even number of new units, which come in pairs, found {added}")
        rows = drawn_rows(around, added // 2, self.incoming, generator)
        columns = drawn_columns(around, added // 2, self.outgoing, generator)
        outgoing = tuple(torch.cat([old, z, -z], dim=1) for old, z in zip(around.outgoing, columns, strict=True))
        return NewUnits(torch.cat([rows, rows]), around.no_bias(added), outgoing)

"""Units that are copies of old ones."""

from typing import Annotated, Literal

import torch
from pydantic import Field, NonNegativeFloat
from torch import Tensor

from harness.growth.record import Promise
from harness.growth.units._base import AbstractUnits, NewUnits, Surroundings

__all__ = ["CopiedUnits"]


class CopiedUnits(AbstractUnits):
    """Net2WiderNet (arXiv 1511.05641): copy randomly drawn units, and share out the outgoing weights of each.

    Copies with equal weights on both sides get equal gradients and stay equal for ever, so `noise` makes them differ.
    On the `outgoing` side the shares of each weight differ by up to this fraction of an equal share, and still sum to
    the old weight. On the `incoming` side, as in the paper, normal noise is added, of this fraction of the standard
    deviation of the copied row; this changes what the network computes.
    """

    kind: Literal["copy"] = "copy"
    noise: Annotated[NonNegativeFloat, Field(lt=1)] = 0.25
    noise_on: Literal["outgoing", "incoming"] = "outgoing"

    def promise(self) -> Promise:
        """Return that outputs are the same but for rounding, unless incoming weights get noise."""
        return Promise.NONE if self.noise and self.noise_on == "incoming" else Promise.CLOSE

    def units(self, around: Surroundings, added: int, generator: torch.Generator) -> NewUnits:
        """Return the copies."""
        units = len(around.incoming)
        drawn = torch.cat([torch.randperm(units, generator=generator) for _ in range(added // units + 1)])
        originals = drawn[:added]
        incoming = around.incoming[originals]
        if self.noise_on == "incoming":
            deviation = incoming.flatten(1).std(dim=1, correction=0)
            incoming = incoming + self.noise * torch.einsum("n,n...->n...", deviation, _normal(incoming, generator))
        bias = around.bias[originals] if around.bias is not None else None
        outgoing = tuple(self._divided(old, originals, generator) for old in around.outgoing)
        return NewUnits(incoming, bias, outgoing, tuple(originals.tolist()))

    def _divided(self, old: Tensor, originals: Tensor, generator: torch.Generator) -> Tensor:
        """Return `[out, U + N, K]`: copies get shares of the weights `[out, U, K]`, their originals keep the rest."""
        times = torch.bincount(originals, minlength=old.shape[1]) + 1
        shares = (1 / times.double())[originals][None, :, None].expand(len(old), -1, old.shape[2])
        if self.noise_on == "outgoing":
            drawn = torch.rand(shares.shape, generator=generator).double() * 2 - 1
            shares = shares * (1 + self.noise * drawn)
        new = old[:, originals] * shares
        return torch.cat([old.index_add(1, originals, new, alpha=-1), new], dim=1)


def _normal(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator).double()

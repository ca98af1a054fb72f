"""Points that take every dimension evenly, block by block."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import torch
from pydantic import Field

from harness.core.seeding import generator
from harness.search.conditions import existing
from harness.search.samplers._base import AbstractSampler, PastTrial, Search

__all__ = ["LatinHypercube"]


class LatinHypercube(AbstractSampler):
    """Latin hypercubes of `block` points each (McKay, Beckman and Conover, 1979).

    In a block, every dimension has one point in each of `block` equal parts of its range, so that its options come up
    equally often if their number divides `block`. Which parts of two dimensions meet is left to chance.
    """

    kind: Literal["latin_hypercube"] = "latin_hypercube"
    fair: Literal[True] = True
    block: Annotated[int, Field(ge=2)] = 12

    def point(self, search: Search, number: int, past: Sequence[PastTrial] = ()) -> dict[str, Any]:  # noqa: ARG002
        """Return the point of that number."""
        block, row = divmod(number, self.block)
        stream = generator(0, "sampler", search.name, block)
        shape = len(search.space), self.block
        parts = torch.rand(shape, dtype=torch.float64, generator=stream).argsort(dim=1)
        within = torch.rand(shape, dtype=torch.float64, generator=stream)
        quantiles = ((parts + within) / self.block)[:, row].tolist()
        values = {name: d.at(min(q, 1 - 1e-9)) for (name, d), q in zip(search.space.items(), quantiles, strict=True)}
        return existing(search.space, values)

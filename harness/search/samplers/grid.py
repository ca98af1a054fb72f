"""Every combination of a few values of each dimension."""

import math
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import PositiveInt

from harness.search.samplers._base import AbstractSampler, Search, Told
from harness.search.space import AbstractDimension, Choice, Int

__all__ = ["Grid"]


class Grid(AbstractSampler):
    """All combinations, the last dimension fastest: every option and, evenly spaced, at most `points` numbers each."""

    kind: Literal["grid"] = "grid"
    points: PositiveInt = 5

    def point(self, search: Search, number: int, told: Sequence[Told] = ()) -> dict[str, Any]:  # noqa: ARG002
        """Return the combination of that number; after the last comes the first again."""
        found = {}
        for name, dimension in reversed(list(search.space.items())):
            number, index = divmod(number, count := self._count(dimension))
            found[name] = dimension.at((index + 0.5) / count)
        return {name: found[name] for name in search.space}

    def limit(self, search: Search) -> int:
        """Return the number of combinations."""
        return math.prod(self._count(dimension) for dimension in search.space.values())

    def _count(self, dimension: AbstractDimension) -> int:
        if isinstance(dimension, Choice):
            return len(dimension.options)
        if isinstance(dimension, Int):
            return min(self.points, (dimension.high - dimension.low) // dimension.step + 1)
        return self.points

"""Every combination of a few values of each dimension."""

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, Literal

from pydantic import PositiveInt

from harness.search.conditions import Space, existing, exists, parents_first
from harness.search.samplers._base import AbstractSampler, PastTrial, Search

__all__ = ["Grid"]

Block = tuple[dict[str, Any], dict[str, list[Any]]]


class Grid(AbstractSampler):
    """All combinations, the last dimension fastest: every option and, evenly spaced, at most `points` numbers each.

    Where some dimensions depend on others, the values of those others come one after the other, and within each all
    combinations of what exists there.
    """

    kind: Literal["grid"] = "grid"
    points: PositiveInt = 5

    def point(self, search: Search, number: int, past: Sequence[PastTrial] = ()) -> dict[str, Any]:  # noqa: ARG002
        """Return the combination of that number; after the last comes the first again."""
        blocks = list(self._blocks(search.space))
        ends = list(accumulate(_size(free) for _, free in blocks))
        number %= ends[-1]
        block = bisect_right(ends, number)
        fixed, free = blocks[block]
        return existing(search.space, fixed | _combination(free, number - ends[block] + _size(free)))

    def limit(self, search: Search) -> int:
        """Return the number of combinations."""
        return sum(_size(free) for _, free in self._blocks(search.space))

    def _blocks(self, space: Space) -> Iterator[Block]:
        """Yield each combination of values of the dimensions that others depend on, and the values of the others."""
        depended = {parent for dimension in space.values() for parent in dimension.when}
        order = [name for name in parents_first(space) if name in depended]
        for fixed in self._combinations(space, order, {}):
            alive = [name for name in space if name not in depended and exists(space, name, fixed)]
            yield fixed, {name: space[name].grid(self.points) for name in alive}

    def _combinations(self, space: Space, order: Sequence[str], fixed: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        if not order:
            yield dict(fixed)
            return
        first, *rest = order
        values = space[first].grid(self.points) if exists(space, first, fixed) else []
        for value in values:
            yield from self._combinations(space, rest, {**fixed, first: value})
        if not values:
            yield from self._combinations(space, rest, fixed)


def _combination(free: dict[str, list[Any]], number: int) -> dict[str, Any]:
    values_by_name = {}
    for name, values in reversed(free.items()):
        number, index = divmod(number, len(values))
        values_by_name[name] = values[index]
    return values_by_name


def _size(free: dict[str, list[Any]]) -> int:
    return math.prod(len(values) for values in free.values())

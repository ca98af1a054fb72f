"""Which of several points no other is better than."""

import math
from collections.abc import Sequence
from typing import Literal

__all__ = ["pareto_front"]


def pareto_front(points: Sequence[Sequence[float]], directions: Sequence[Literal["maximize", "minimize"]]) -> list[int]:
    """Return the indices of the points that no other dominates: is as good in everything, and better in something.

    Equal points do not dominate each other; a point that is not finite somewhere is on no front.

    >>> pareto_front([(0.9, 10), (0.8, 5), (0.8, 10), (0.9, 10)], ("maximize", "minimize"))
    [0, 1, 3]
    """
    signs = [-1 if direction == "maximize" else 1 for direction in directions]
    losses = {
        index: tuple(sign * value for sign, value in zip(signs, point, strict=True))
        for index, point in enumerate(points)
        if all(map(math.isfinite, point))
    }
    # In this order a point comes after all that dominate it, so it is enough to look at the front so far.
    front: list[int] = []
    for index in sorted(losses, key=losses.__getitem__):
        if not any(_dominates(losses[other], losses[index]) for other in front):
            front.append(index)
    return sorted(front)


def _dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(mine <= theirs for mine, theirs in zip(one, other, strict=True))

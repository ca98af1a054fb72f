"""Thawing layer by layer."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from harness.growth.freezing._base import AbstractFreezePolicy, Candidate, cut

__all__ = ["GradualThaw"]


class GradualThaw(AbstractFreezePolicy):
    """Freeze all that is old, then thaw one more part after each `every` updates, from the output down.

    As in arXiv 1801.06146. `layers` are module paths in the order of the network's modules. A part ends with each of
    them; all that comes after the last one, such as old heads, is the part that thaws first.

    In a loop of your own it thaws nothing by itself: call `refreeze(model, optimizer, step=step)` before each step.
    """

    kind: Literal["gradual_thaw"] = "gradual_thaw"
    layers: Annotated[tuple[str, ...], Field(min_length=1)]
    every: PositiveInt

    def frozen(self, candidates: tuple[Candidate, ...], *, growth: int, age: int) -> frozenset[str]:
        """Return what is old and in a part that has not thawed yet."""
        number = cut(candidates, self.layers)
        old = [candidate for candidate in candidates if candidate.birth < growth]
        parts = sorted({number[item.id] for item in old})
        still = set(parts[: max(len(parts) - age // self.every, 0)])
        return frozenset(item.id for item in old if number[item.id] in still)

    def changes(self) -> tuple[int, ...]:
        """Return the ages at which a part may thaw."""
        return tuple(self.every * part for part in range(1, len(self.layers) + 2))

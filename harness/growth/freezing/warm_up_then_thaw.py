"""Training of what is new alone at first, and of everything afterwards."""

from typing import Literal

from pydantic import PositiveInt

from harness.growth.freezing._base import AbstractFreezePolicy, Candidate

__all__ = ["WarmUpThenThaw"]


class WarmUpThenThaw(AbstractFreezePolicy):
    """Freeze all that is old for `steps` updates, then nothing.

    A new head of random values would distort the features below it; one that fits already does so less
    (arXiv 2202.10054).

    In a loop of your own it thaws nothing by itself: call `refreeze(model, optimizer, step=step)` before each step.
    """

    kind: Literal["warm_up_then_thaw"] = "warm_up_then_thaw"
    steps: PositiveInt

    def frozen(self, candidates: tuple[Candidate, ...], *, growth: int, age: int) -> frozenset[str]:
        """Return all that was born earlier, or nothing once it has thawed."""
        return frozenset(item.id for item in candidates if item.birth < growth and age < self.steps)

    def changes(self) -> tuple[int, ...]:
        """Return the age of the thaw."""
        return (self.steps,)

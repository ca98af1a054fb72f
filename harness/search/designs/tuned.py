"""A search for each arm, and a confirmation of the winners."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from harness.search.designs._base import AbstractDesign, Part

__all__ = ["Tuned"]


class Tuned(AbstractDesign):
    """Every arm is tuned on its own with the same number of trials; then its winner is trained with fresh seeds.

    It answers: with each arm at its best, as far as so much search finds it, which one is better? The search is
    repeated in independent replicates, which are the units of the comparison. Test data are opened once, for the
    winners.

    Attributes:
        replicates: searches of each arm.
        confirmation: fresh seeds with which each winner is trained.
    """

    kind: Literal["tuned"] = "tuned"
    replicates: Annotated[int, Field(ge=2)] = 5
    confirmation: PositiveInt = 3

    def parts(self, arms: Sequence[str]) -> tuple[Part, ...]:
        """Return a search for each replicate and arm."""
        return tuple(
            Part(
                name=f"{arm} {replicate}",
                stream=f"replicate {replicate}",
                arms=(arm,),
                replicate=replicate,
            )
            for replicate in range(self.replicates)
            for arm in arms
        )

    def seeds_of(self, part: Part, number: int, seeds: int) -> tuple[int, ...]:  # noqa: ARG002
        """Return the seeds of all trials of a replicate; no two replicates have one in common."""
        return tuple(part.replicate + self.replicates * seed for seed in range(seeds))

    def trial(self, part: Part, number: int) -> int:
        """Return the number that counts the trials of all replicates: the arms of one share it."""
        return number * self.replicates + part.replicate

    def confirmation_seeds(self, replicate: int, seeds: int) -> tuple[int, ...]:
        """Return seeds that no search has seen."""
        return tuple(replicate + self.replicates * (seeds + seed) for seed in range(self.confirmation))

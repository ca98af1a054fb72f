"""Growth at any of several fixed steps."""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, JsonValue, PositiveInt, field_validator

from harness.growth.triggers._base import NEVER, AbstractTrigger, Progress

__all__ = ["Schedule"]


class Schedule(AbstractTrigger):
    """Fire at each of `steps`, counted from the start of the run.

    A rule acts once, at the first of these steps at which it still waits. Rules that share a schedule act one by one:
    the first rule at the first step, the second at the second.
    """

    kind: Literal["schedule"] = "schedule"
    steps: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]

    @field_validator("steps")
    @classmethod
    def _ascending(cls, steps: tuple[int, ...]) -> tuple[int, ...]:
        if any(late <= early for early, late in pairwise(steps)):
            raise ValueError(f"expected ascending steps, found {list(steps)}; sort them and name each once")
        return steps

    def begin(self) -> JsonValue:
        """Return nothing: the steps are all there is to know."""
        return None

    def observe(self, memory: JsonValue, progress: Progress) -> tuple[JsonValue, bool]:
        """Fire at each step of the list."""
        return memory, progress.step in self.steps

    def next_firing_step(self, step: int) -> int | None:
        """Return the next step of the list."""
        return next((later for later in self.steps if later > step), NEVER)

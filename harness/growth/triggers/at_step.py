"""Growth at a fixed step."""

from typing import Literal

from pydantic import JsonValue, PositiveInt

from harness.growth.triggers._base import NEVER, AbstractTrigger, Progress

__all__ = ["AtStep"]


class AtStep(AbstractTrigger):
    """Grow after `step` optimizer updates."""

    kind: Literal["at_step"] = "at_step"
    step: PositiveInt

    def begin(self) -> JsonValue:
        """Return nothing: a step is all there is to know."""
        return None

    def observe(self, memory: JsonValue, progress: Progress) -> tuple[JsonValue, bool]:
        """Fire at `step`."""
        return memory, progress.step == self.step

    @property
    def only_step(self) -> int:
        """The step."""
        return self.step

    def next_firing_step(self, step: int) -> int | None:
        """Return the step, unless it is over."""
        return self.step if self.step > step else NEVER

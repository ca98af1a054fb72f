"""Growth no earlier than a step."""

from typing import Literal

from pydantic import JsonValue, PositiveInt

from harness.growth.triggers._base import AbstractTrigger, Progress

__all__ = ["NotBefore"]


class NotBefore(AbstractTrigger):
    """Fire when `trigger` does, from `step` on; earlier firings are dropped.

    `trigger` observes the run from its beginning. To act on an earlier firing at `step`, use `AllOf` with an `AtStep`.
    """

    kind: Literal["not_before"] = "not_before"
    step: PositiveInt
    trigger: AbstractTrigger

    def begin(self) -> JsonValue:
        """Return the memory of the trigger."""
        return self.trigger.begin()

    def observe(self, memory: JsonValue, progress: Progress) -> tuple[JsonValue, bool]:
        """Ask the trigger, and hold it back until `step`."""
        memory, fires = self.trigger.observe(memory, progress)
        return memory, fires and progress.step >= self.step

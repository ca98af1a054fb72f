"""Growth no more often than so many times."""

from typing import Literal, cast

from pydantic import JsonValue, PositiveInt

from harness.growth.triggers._base import AbstractTrigger, Progress

__all__ = ["AtMost"]


class AtMost(AbstractTrigger):
    """Fire when `trigger` does, the first `times` times.

    The count is part of the memory: a monitor that begins anew counts anew.
    """

    kind: Literal["at_most"] = "at_most"
    times: PositiveInt
    trigger: AbstractTrigger

    def begin(self) -> JsonValue:
        """Return 0, the times it fired, and the memory of the trigger."""
        return [0, self.trigger.begin()]

    def observe(self, memory: JsonValue, progress: Progress) -> tuple[JsonValue, bool]:
        """Ask the trigger, and count."""
        past = cast("list[JsonValue]", memory)
        count = cast("int", past[0])
        own, fires = self.trigger.observe(past[1], progress)
        fires = fires and count < self.times
        return [count + fires, own], fires

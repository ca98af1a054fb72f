"""Growth at a signal from outside the run."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from harness.growth.triggers._base import AbstractTrigger, Progress

__all__ = ["Signal"]


class Signal(AbstractTrigger):
    """Fire at each step by which the signal `name` has arrived.

    The caller decides where signals come from; a trigger sees them as part of progress. To make a run repeatable, the
    caller records the step at which it saw a signal.
    """

    kind: Literal["signal"] = "signal"
    name: Annotated[str, Field(min_length=1)]

    def begin(self) -> JsonValue:
        """Return nothing: the signal is there or it is not."""
        return None

    def observe(self, memory: JsonValue, progress: Progress) -> tuple[JsonValue, bool]:
        """Fire if the signal is there."""
        return memory, self.name in progress.signals

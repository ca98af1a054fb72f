"""Growth when something outside of the run says so."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from harness.growth.triggers._base import AbstractTrigger, Progress

__all__ = ["Signal"]


class Signal(AbstractTrigger):
    """Fire at each step by which the signal `name` has come.

    Who looks for signals, and where, is for the caller to decide: a trigger sees them as part of progress. A caller
    that wants its run to be repeatable records the step at which it saw one.
    """

    kind: Literal["signal"] = "signal"
    name: Annotated[str, Field(min_length=1)]

    def begin(self) -> JsonValue:
        """Return nothing: the signal is there or it is not."""
        return None

    def observe(self, memory: JsonValue, progress: Progress) -> tuple[JsonValue, bool]:
        """Fire if the signal is there."""
        return memory, self.name in progress.signals

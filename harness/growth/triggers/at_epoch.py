"""Growth after so many passes over the data."""

from typing import Literal, cast

from pydantic import JsonValue, PositiveInt

from harness.growth.triggers._base import AbstractTrigger, Progress

__all__ = ["AtEpoch"]


class AtEpoch(AbstractTrigger):
    """Grow after the `epoch`-th full pass since the last growth, or since the start; at one step and no later one."""

    kind: Literal["at_epoch"] = "at_epoch"
    epoch: PositiveInt

    def begin(self) -> JsonValue:
        """Return 0, the passes that were full at the step before."""
        return 0

    def observe(self, memory: JsonValue, progress: Progress) -> tuple[JsonValue, bool]:
        """Fire at the step that completes the pass."""
        before = cast("int", memory) if progress.age > 1 else 0
        return progress.epoch, before < self.epoch <= progress.epoch

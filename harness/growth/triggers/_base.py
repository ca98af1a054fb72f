"""What a trigger is."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from harness.core.spec import LeafSpec

__all__ = ["AbstractTrigger", "Progress"]


@dataclass(frozen=True)
class Progress:
    """What a trigger sees between two steps.

    Attributes:
        step: optimizer updates since the start of the run.
        age: updates since the last growth.
        epoch: full passes over the examples that can be seen, since the last growth.
        metrics: the latest evaluation, by name, such as `val/loss/total`.
        evaluated: whether that evaluation was made at this very step.
    """

    step: int
    age: int
    epoch: int
    metrics: Mapping[str, float]
    evaluated: bool


class AbstractTrigger(LeafSpec):
    """Says when to grow: a pure function of progress, with its memory beside it.

    Memory is plain JSON. It is never stored: it can always be had again by observing a history from its beginning.
    """

    @abstractmethod
    def begin(self) -> JsonValue:
        """Return the memory before anything was observed."""

    @abstractmethod
    def observe(self, memory: JsonValue, progress: Progress) -> tuple[JsonValue, bool]:
        """Return the memory from now on, and whether to grow now. Called once per step, in order."""

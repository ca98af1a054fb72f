"""What a trigger is."""

import sys
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from harness.core.errors import SpecError
from harness.core.spec import LeafSpec, did_you_mean

__all__ = ["NEVER", "AbstractTrigger", "Progress", "observed"]

NEVER = sys.maxsize


@dataclass(frozen=True)
class Progress:
    """What a trigger sees between two steps.

    Attributes:
        step: optimizer updates since the start of the run.
        age: updates since the last growth.
        epoch: full passes over the visible examples since the last growth.
        metrics: the latest evaluation, by name, such as `val/loss/total`.
        evaluated: whether that evaluation was made at this very step.
        signals: names of the signals that have arrived from outside so far.
    """

    step: int
    age: int
    epoch: int
    metrics: Mapping[str, float]
    evaluated: bool
    signals: frozenset[str] = frozenset()

    @property
    def grown_at(self) -> int:
        """The step of the last growth, or 0."""
        return self.step - self.age

    def metric(self, name: str) -> float:
        """Return a metric of the latest evaluation.

        Raises:
            SpecError: there is no such metric; the message names the metrics there are.
        """
        if name not in self.metrics:
            raise SpecError(
                f"expected a metric of an evaluation, found {name!r} at step {self.step}."
                f"{did_you_mean(name, sorted(self.metrics))}"
            )
        return self.metrics[name]


class AbstractTrigger(LeafSpec):
    """Decides when to grow: a pure function of progress and of a memory that the caller keeps.

    Memory is plain JSON. It is never stored, since observing a history from its beginning gives it again. A trigger of
    a moment, such as a step, fires at that moment. One of a condition, such as a plateau, fires while it holds, since
    the caller may have reason to wait; after a growth the condition must come true again.
    """

    @abstractmethod
    def begin(self) -> JsonValue:
        """Return the memory before the first step."""

    @abstractmethod
    def observe(self, memory: JsonValue, progress: Progress) -> tuple[JsonValue, bool]:
        """Return the new memory, and whether to grow now. Called once per step, in order.

        `memory` is not changed: the same memory and progress give the same result again.
        """

    @property
    def only_step(self) -> int | None:
        """The one step of a run at which it can fire; None, by default, if there may be another."""
        return None

    def next_firing_step(self, step: int) -> int | None:
        """Return the first step after `step` at which it fires in any run, or `NEVER`.

        None, unless overridden: the step depends on the run. A trigger that overrides this has no memory.
        """
        # Study files written before version 0.2 override it under its earlier name.
        earlier: Callable[[int], int | None] | None = getattr(self, "foreseen", None)
        return earlier(step) if earlier else None


def observed(trigger: AbstractTrigger, memory: JsonValue, progress: Progress) -> tuple[JsonValue, bool]:
    """Return what `trigger` answers. Raises `SpecError` if that is not its memory and whether it fires."""
    answer: object = trigger.observe(memory, progress)
    if not isinstance(answer, tuple) or len(answer) != 2:
        found = type(answer).__name__
        raise SpecError(f"expected observe() of {trigger.kind!r} to return its memory and True or False, found {found}")
    return answer

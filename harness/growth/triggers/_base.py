"""What a trigger is."""

import sys
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from harness.core.errors import SpecError
from harness.core.spec import LeafSpec, did_you_mean

__all__ = ["NEVER", "AbstractTrigger", "Progress"]

NEVER = sys.maxsize


@dataclass(frozen=True)
class Progress:
    """What a trigger sees between two steps.

    Attributes:
        step: optimizer updates since the start of the run.
        age: updates since the last growth.
        epoch: full passes over the examples that can be seen, since the last growth.
        metrics: the latest evaluation, by name, such as `val/loss/total`.
        evaluated: whether that evaluation was made at this very step.
        signals: names of the signals that came from outside by now.
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
            SpecError: there is none of that name; the message names those there are.
        """
        if name not in self.metrics:
            raise SpecError(
                f"expected a metric of an evaluation, found {name!r} at step {self.step}."
                f"{did_you_mean(name, sorted(self.metrics))}"
            )
        return self.metrics[name]


class AbstractTrigger(LeafSpec):
    """Says when to grow: a pure function of progress, with its memory beside it.

    Memory is plain JSON. It is never stored: it can always be had again by observing a history from its beginning.
    A trigger of a moment, such as a step, fires at that moment; one of a condition, such as a plateau, goes on firing
    as long as it holds, since whoever watches may have reason to wait. After a growth it must come true anew.
    """

    @abstractmethod
    def begin(self) -> JsonValue:
        """Return the memory before anything was observed."""

    @abstractmethod
    def observe(self, memory: JsonValue, progress: Progress) -> tuple[JsonValue, bool]:
        """Return the memory from now on, and whether to grow now. Called once per step, in order.

        `memory` is not changed: the same memory and progress give the same answer again.
        """

    @property
    def only_step(self) -> int | None:
        """The one step of a run at which it can fire; None, by default, if there may be another."""
        return None

    def next_firing_step(self, step: int) -> int | None:
        """Return the first step after `step` at which it fires whatever happens, or `NEVER`.

        None, unless overridden: it depends on the run. A trigger that overrides this remembers nothing.
        """
        # Study files written before version 0.2 override it under its earlier name.
        earlier: Callable[[int], int | None] | None = getattr(self, "foreseen", None)
        return earlier(step) if earlier else None

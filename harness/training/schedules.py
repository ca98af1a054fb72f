"""Learning-rate schedules: pure functions of the step and of a group's age.

torch's schedulers keep lists of groups, and go wrong or crash when one is added; a function keeps nothing.
"""

import math
from abc import abstractmethod
from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from harness.core.errors import SpecError
from harness.core.spec import LeafSpec

__all__ = ["AbstractSchedule", "ConstantRate", "Cosine", "Linear", "OneCycle"]


class AbstractSchedule(LeafSpec):
    """A factor of a group's learning rate."""

    @abstractmethod
    def factor(self, step: int, age: int) -> float:
        """Return the factor at `step`, counted from the start of the run, for a group born `age` steps ago."""

    def lasting(self, steps: int) -> Self:  # noqa: ARG002
        """Return the schedule of a run of so many steps; by default the same for all runs."""
        return self

    @property
    def is_constant(self) -> bool:
        """Whether the factor is the same at all steps; not by default."""
        return False


class ConstantRate(AbstractSchedule):
    """The learning rate stays as it is."""

    kind: Literal["constant"] = "constant"

    @property
    def is_constant(self) -> bool:
        """It is."""
        return True

    def factor(self, step: int, age: int) -> float:  # noqa: ARG002
        """Return 1."""
        return 1.0


class _Decay(AbstractSchedule):
    """From 1 down to `floor` in `steps`, after a linear warm-up of each group.

    A group born later joins the curve at the current step, after a warm-up of its own.

    Attributes:
        steps: in which it falls; by default all of the run's. Then runs of different length share no stage.
        warm_up: steps in which the rate of each group rises.
        floor: the last factor.
    """

    steps: PositiveInt | None = None
    warm_up: NonNegativeInt = 0
    floor: Annotated[NonNegativeFloat, Field(le=1)] = 0.0

    def lasting(self, steps: int) -> Self:
        """Return the schedule with this number of steps, unless it has one."""
        return self if self.steps else self.model_copy(update={"steps": steps})

    def factor(self, step: int, age: int) -> float:
        """Return the factor in `[0, 1]`."""
        curve = self.floor + (1 - self.floor) * self._left(min(step / _known(self.steps), 1.0))
        return curve * min((age + 1) / (self.warm_up + 1), 1.0)

    @abstractmethod
    def _left(self, part: float) -> float:
        """Return what is left of the way from 1 to 0 after `part` of the steps."""


class Cosine(_Decay):
    """From 1 down to `floor` along half a cosine in `steps` (arXiv 1608.03983), after a linear warm-up of each group.

    A group born later joins the curve at the current step, after a warm-up of its own. Without `steps`, the curve ends
    with the run.
    """

    kind: Literal["cosine"] = "cosine"

    def _left(self, part: float) -> float:
        return (1 + math.cos(math.pi * part)) / 2


class Linear(_Decay):
    """From 1 down to `floor` along a line in `steps`, or in all steps of the run, after a warm-up of each group."""

    kind: Literal["linear"] = "linear"

    def _left(self, part: float) -> float:
        return 1 - part


class OneCycle(AbstractSchedule):
    """From `start` up to 1 and down to `floor`, along half a cosine each (arXiv 1708.07120).

    Attributes:
        steps: of both halves; by default all of the run's.
        peak: the part of the steps after which the factor is 1.
        start: the first factor.
        floor: the last one.
    """

    kind: Literal["one_cycle"] = "one_cycle"
    steps: PositiveInt | None = None
    peak: Annotated[float, Field(gt=0, lt=1)] = 0.3
    start: Annotated[PositiveFloat, Field(le=1)] = 0.04
    floor: Annotated[NonNegativeFloat, Field(le=1)] = 0.0

    def lasting(self, steps: int) -> Self:
        """Return the schedule with this number of steps, unless it has one."""
        return self if self.steps else self.model_copy(update={"steps": steps})

    def factor(self, step: int, age: int) -> float:  # noqa: ARG002
        """Return the factor in `[0, 1]`; a group born later joins the curve at the current step."""
        part = min(step / _known(self.steps), 1.0)
        if part < self.peak:
            return _between(self.start, 1.0, part / self.peak)
        return _between(1.0, self.floor, (part - self.peak) / (1 - self.peak))


def _between(first: float, last: float, part: float) -> float:
    return last + (first - last) * (1 + math.cos(math.pi * part)) / 2


def _known(steps: int | None) -> int:
    if steps is None:
        raise SpecError("expected a schedule that knows its steps, found one that lasts as long as its run; give steps")
    return steps


Constant = ConstantRate  # its name in study files written before version 0.2

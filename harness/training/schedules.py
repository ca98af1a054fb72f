"""Learning-rate schedules: pure functions of the step and of a group's age.

torch's schedulers keep lists of groups, and go wrong or crash when one is added; a function keeps nothing.
"""

import math
from abc import abstractmethod
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt

from harness.core.spec import LeafSpec

__all__ = ["AbstractSchedule", "ConstantRate", "Cosine"]


class AbstractSchedule(LeafSpec):
    """A factor of a group's learning rate."""

    @abstractmethod
    def factor(self, step: int, age: int) -> float:
        """Return the factor at `step`, counted from the start of the run, for a group born `age` steps ago."""

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


class Cosine(AbstractSchedule):
    """From 1 down to `floor` along half a cosine in `steps` (arXiv 1608.03983), after a linear warm-up of each group.

    A group born later joins the curve at the current step, after a warm-up of its own.
    """

    kind: Literal["cosine"] = "cosine"
    steps: PositiveInt
    warm_up: NonNegativeInt = 0
    floor: Annotated[NonNegativeFloat, Field(le=1)] = 0.0

    def factor(self, step: int, age: int) -> float:
        """Return the factor in `[0, 1]`."""
        part = min(step / self.steps, 1.0)
        curve = self.floor + (1 - self.floor) * (1 + math.cos(math.pi * part)) / 2
        return curve * min((age + 1) / (self.warm_up + 1), 1.0)


Constant = ConstantRate  # its name in study files written before version 0.2

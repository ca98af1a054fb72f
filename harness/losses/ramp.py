"""A weight that rises or falls."""

from typing import Literal

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveInt

from harness.losses._base import AbstractWeight

__all__ = ["Ramp"]


class Ramp(AbstractWeight):
    """From `low` to `high` along a straight line of `steps` updates, which begins at `start`.

    In the weight that a growth gives, the start is counted from the growth.
    """

    kind: Literal["ramp"] = "ramp"
    low: NonNegativeFloat = 0.0
    high: NonNegativeFloat = 1.0
    steps: PositiveInt
    start: NonNegativeInt = 0

    def at(self, step: int) -> float:
        """Return the factor."""
        part = min(max((step - self.start) / self.steps, 0.0), 1.0)
        return self.low + (self.high - self.low) * part

    def since(self, step: int) -> "Ramp":
        """Return the ramp, `step` updates later."""
        return self.model_copy(update={"start": self.start + step})

"""Growth when a metric crosses a value."""

from typing import Literal, Self, cast

from pydantic import JsonValue, NonNegativeInt, PositiveInt, model_validator

from harness.growth.triggers._base import AbstractTrigger, Progress

__all__ = ["Threshold"]


class Threshold(AbstractTrigger):
    """Fire at each evaluation by which `metric` was `above` or `below` a value `times` evaluations in a row.

    NaN is neither above nor below anything. Evaluations in the first `warm_up` updates since the last growth, or since
    the start, are passed over.
    """

    kind: Literal["threshold"] = "threshold"
    metric: str
    above: float | None = None
    below: float | None = None
    times: PositiveInt = 1
    warm_up: NonNegativeInt = 0

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        given = [value for value in (self.above, self.below) if value is not None]
        if len(given) != 1:
            raise ValueError(f"expected one value, above or below; found above={self.above} below={self.below}")
        return self

    def begin(self) -> JsonValue:
        """Return 0, the evaluations in a row."""
        return 0

    def observe(self, memory: JsonValue, progress: Progress) -> tuple[JsonValue, bool]:
        """Compare the latest evaluation. Raises `SpecError` if it has no such metric."""
        if not progress.evaluated:
            return memory, False
        value = progress.metric(self.metric)
        if progress.age <= self.warm_up or not self._holds(value):
            return 0, False
        in_a_row = cast("int", memory) + 1
        return in_a_row, in_a_row >= self.times

    def _holds(self, value: float) -> bool:
        return value > self.above if self.above is not None else value < cast("float", self.below)

"""Growth when a metric no longer improves."""

import math
from typing import Literal

from pydantic import JsonValue, NonNegativeFloat, NonNegativeInt, PositiveInt

from harness.core.spec import Spec
from harness.growth.triggers._base import AbstractTrigger, Progress

__all__ = ["Plateau"]


class _PlateauMemory(Spec):
    """What was seen since the last growth.

    Attributes:
        best: the best value, or None before there was one.
        waited: evaluations since the best one.
        resting: evaluations still to be passed over.
        grown_at: the step of the last growth.
    """

    best: float | None = None
    waited: int = 0
    resting: int = 0
    grown_at: int = 0


class Plateau(AbstractTrigger):
    """Fire at each evaluation by which `metric` has not improved for `patience` evaluations.

    A value improves if it is better than the best one since the last growth by more than `min_delta`; NaN and infinity
    never do. A growth makes the metric jump, so the best value is then forgotten, and the next `cooldown` evaluations
    are passed over.

    Attributes:
        metric: such as `val/loss/total`.
        patience: evaluations without improvement.
        min_delta: in units of the metric.
        cooldown: evaluations that are passed over after a growth.
        mode: whether smaller (`min`) or greater (`max`) is better.
    """

    kind: Literal["plateau"] = "plateau"
    metric: str = "val/loss/total"
    patience: PositiveInt = 5
    min_delta: NonNegativeFloat = 0.0
    cooldown: NonNegativeInt = 0
    mode: Literal["min", "max"] = "min"

    def begin(self) -> JsonValue:
        """Return that no value was seen."""
        return _PlateauMemory().to_json()

    def observe(self, memory: JsonValue, progress: Progress) -> tuple[JsonValue, bool]:
        """Compare the latest evaluation. Raises `SpecError` if it has no such metric."""
        if not progress.evaluated:
            return memory, False
        value, seen = progress.metric(self.metric), _PlateauMemory.model_validate(memory)
        if seen.grown_at != progress.grown_at:
            seen = _PlateauMemory(grown_at=progress.grown_at, resting=self.cooldown)
        if seen.resting:
            return seen.model_copy(update={"resting": seen.resting - 1}).to_json(), False
        news = {"best": value, "waited": 0} if self._improves(value, seen.best) else {"waited": seen.waited + 1}
        seen = seen.model_copy(update=news)
        return seen.to_json(), seen.waited >= self.patience

    def _improves(self, value: float, best: float | None) -> bool:
        if best is None or not math.isfinite(value):
            return math.isfinite(value)
        gain = best - value if self.mode == "min" else value - best
        return gain > self.min_delta

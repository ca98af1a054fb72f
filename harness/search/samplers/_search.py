"""What is searched, and the trials that have ended so far."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optuna.trial import TrialState

from harness.search.conditions import Space
from harness.training.metrics import Direction

__all__ = ["PastTrial", "Search"]


@dataclass(frozen=True)
class Search:
    """What is searched: the name of the study, its space, and which way is better.

    `others` are the directions of the objectives beyond the deciding metric.
    """

    name: str
    space: Space
    direction: Direction = "maximize"
    others: tuple[Direction, ...] = ()

    @property
    def directions(self) -> tuple[Direction, ...]:
        """Of all objectives, the deciding metric first."""
        return self.direction, *self.others


@dataclass(frozen=True)
class PastTrial:
    """A trial that has ended: its configuration and its value, None if no run of it completed.

    A `given` configuration is a baseline, not proposed by the sampler. `others` are the values of the further
    objectives. One that was `pruned` has its values so far.
    """

    params: Mapping[str, Any]
    value: float | None
    given: bool = False
    others: tuple[float, ...] = ()
    pruned: Mapping[int, float] | None = None

    @property
    def values(self) -> tuple[float, ...] | None:
        """Of all objectives, the deciding metric first; None if no run completed."""
        return None if self.value is None else (self.value, *self.others)

    @property
    def state(self) -> TrialState:
        """How Optuna says that it ended."""
        if self.pruned is not None:
            return TrialState.PRUNED
        return TrialState.FAIL if self.value is None else TrialState.COMPLETE

"""Stopping what is worse than the median."""

from typing import Literal

from optuna.pruners import BasePruner, MedianPruner
from pydantic import NonNegativeInt, PositiveInt

from harness.search.pruners._base import AbstractStepPruner, Race, Rung

__all__ = ["Median"]


class Median(AbstractStepPruner):
    """Keeps a configuration while it is better than the median of those before it at the same step.

    Attributes:
        checks: comparisons, evenly spaced between the latest possible growth and the end.
        startup: trials that are never stopped.
    """

    kind: Literal["median"] = "median"
    checks: PositiveInt = 3
    startup: NonNegativeInt = 5

    def rungs(self, race: Race) -> tuple[Rung, ...]:
        """Return evenly spaced rungs."""
        _, room = self.room(race)
        return self.checked(race, [room * number // (self.checks + 1) for number in range(1, self.checks + 1)])

    def made(self, race: Race) -> BasePruner:  # noqa: ARG002
        """Return Optuna's pruner."""
        return MedianPruner(n_startup_trials=self.startup)

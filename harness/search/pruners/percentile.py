"""Stopping what is not among the best so far."""

from typing import Annotated, Literal

from optuna.pruners import BasePruner, PercentilePruner
from pydantic import Field, NonNegativeInt, PositiveInt

from harness.search.pruners._base import AbstractStepPruner, Race, Rung

__all__ = ["Percentile"]


class Percentile(AbstractStepPruner):
    """Keeps a configuration while it is among the best `percentile` percent of those before it at the same step.

    Attributes:
        checks: comparisons, evenly spaced between the latest possible growth and the end.
        startup: trials that are never stopped.
    """

    kind: Literal["percentile"] = "percentile"
    percentile: Annotated[float, Field(gt=0, lt=100)] = 25.0
    checks: PositiveInt = 3
    startup: NonNegativeInt = 5

    def rungs(self, race: Race) -> tuple[Rung, ...]:
        """Return evenly spaced rungs."""
        _, room = self.room(race)
        return self.checked(race, [room * number // (self.checks + 1) for number in range(1, self.checks + 1)])

    def made(self, race: Race) -> BasePruner:  # noqa: ARG002
        """Return Optuna's pruner."""
        return PercentilePruner(self.percentile, n_startup_trials=self.startup)

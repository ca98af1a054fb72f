"""Stopping what is not among the best so far."""

from typing import Annotated, Literal

from optuna.pruners import BasePruner, PercentilePruner
from pydantic import Field

from harness.search.pruners._base import AbstractEven, Race

__all__ = ["Percentile"]


class Percentile(AbstractEven):
    """Keeps a configuration while it is among the best `percentile` percent of those before it at the same step."""

    kind: Literal["percentile"] = "percentile"
    percentile: Annotated[float, Field(gt=0, lt=100)] = 25.0

    def made(self, race: Race) -> BasePruner:  # noqa: ARG002
        """Return Optuna's pruner."""
        return PercentilePruner(self.percentile, n_startup_trials=self.startup)

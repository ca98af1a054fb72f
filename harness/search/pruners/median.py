"""Stopping what is worse than the median."""

from typing import Literal

from optuna.pruners import BasePruner, MedianPruner

from harness.search.pruners._base import AbstractEven, Race

__all__ = ["Median"]


class Median(AbstractEven):
    """Keeps a configuration while it is better than the median of those before it at the same step."""

    kind: Literal["median"] = "median"

    def made(self, race: Race) -> BasePruner:  # noqa: ARG002
        """Return Optuna's pruner."""
        return MedianPruner(n_startup_trials=self.startup)

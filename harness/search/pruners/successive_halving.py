"""Successive halving."""

from typing import Literal

from optuna.pruners import BasePruner, SuccessiveHalvingPruner

from harness.search.pruners._base import AbstractHalving, Race

__all__ = ["SuccessiveHalving"]


class SuccessiveHalving(AbstractHalving):
    """Of `reduction` configurations at each rung, the best goes on (arXiv 1810.05934, in the order of the trials)."""

    kind: Literal["successive_halving"] = "successive_halving"

    def made(self, race: Race) -> BasePruner:
        """Return Optuna's pruner."""
        return SuccessiveHalvingPruner(min_resource=self.first(race), reduction_factor=self.reduction)

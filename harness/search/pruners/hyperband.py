"""Hyperband."""

from typing import Literal

from optuna.pruners import BasePruner, HyperbandPruner

from harness.search.pruners._base import AbstractHalving, Race

__all__ = ["Hyperband"]


class Hyperband(AbstractHalving):
    """Successive halvings that begin at different rungs; a trial's number decides which one (arXiv 1603.06560)."""

    kind: Literal["hyperband"] = "hyperband"

    def made(self, race: Race) -> BasePruner:
        """Return Optuna's pruner."""
        longest = self.first(race) * self.reduction**self.levels
        return HyperbandPruner(self.first(race), longest, reduction_factor=self.reduction)

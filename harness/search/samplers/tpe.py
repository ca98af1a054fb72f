"""Tree-structured Parzen estimators."""

from typing import Literal

from optuna.samplers import BaseSampler, TPESampler
from pydantic import NonNegativeInt

from harness.search.samplers._base import AbstractOptunaSampler

__all__ = ["TPE"]


class TPE(AbstractOptunaSampler):
    """Densities of good and of other configurations, over all dimensions together (arXiv 2304.11127)."""

    kind: Literal["tpe"] = "tpe"
    startup: NonNegativeInt = 10

    def made(self, seed: int) -> BaseSampler:
        """Return Optuna's sampler, multivariate and grouped."""
        return TPESampler(multivariate=True, group=True, n_startup_trials=self.startup, seed=seed)

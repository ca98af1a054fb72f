"""Gaussian processes."""

from typing import Literal

from optuna.samplers import BaseSampler, GPSampler
from pydantic import NonNegativeInt

from harness.search.samplers._base import AbstractOptunaSampler

__all__ = ["GP"]


class GP(AbstractOptunaSampler):
    """Expected improvement of a Gaussian process that allows for noise; for up to a few hundred trials."""

    kind: Literal["gp"] = "gp"
    startup: NonNegativeInt = 10

    def made(self, seed: int) -> BaseSampler:
        """Return Optuna's sampler."""
        return GPSampler(n_startup_trials=self.startup, deterministic_objective=False, seed=seed)

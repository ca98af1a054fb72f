"""Gaussian processes."""

from typing import Literal

from optuna.samplers import BaseSampler, GPSampler
from pydantic import NonNegativeInt

from harness.search.samplers._base import AbstractOptunaSampler

__all__ = ["GP"]


class GP(AbstractOptunaSampler):
    """Expected improvement of a Gaussian process that allows for noise; for up to a few hundred trials.

    What does not always exist is left to chance.
    """

    kind: Literal["gp"] = "gp"
    startup: NonNegativeInt = 10

    def made(self, seed: int) -> BaseSampler:
        """Return Optuna's sampler."""
        return GPSampler(
            n_startup_trials=self.startup, deterministic_objective=False, warn_independent_sampling=False, seed=seed
        )

"""Evolution of a normal distribution."""

from typing import ClassVar, Literal

from optuna.samplers import BaseSampler, CmaEsSampler

from harness.search.samplers._base import AbstractOptunaSampler

__all__ = ["CMAES"]


class CMAES(AbstractOptunaSampler):
    """Covariance matrix adaptation (arXiv 1604.00772); categories, and what may not exist, are left to chance."""

    kind: Literal["cma_es"] = "cma_es"
    keeps_notes: ClassVar[bool] = True
    weighs: ClassVar[bool] = False

    def made(self, seed: int) -> BaseSampler:
        """Return Optuna's sampler."""
        return CmaEsSampler(seed=seed, warn_independent_sampling=False)

"""Evolution of a population."""

from typing import Annotated, ClassVar, Literal

from optuna.samplers import BaseSampler, NSGAIISampler
from pydantic import Field

from harness.search.samplers._base import AbstractOptunaSampler

__all__ = ["NSGAII"]


class NSGAII(AbstractOptunaSampler):
    """Crossover and mutation of the best of each generation of `population` trials (Deb et al., 2002)."""

    kind: Literal["nsga_ii"] = "nsga_ii"
    keeps_notes: ClassVar[bool] = True
    population: Annotated[int, Field(ge=2)] = 10

    def made(self, seed: int) -> BaseSampler:
        """Return Optuna's sampler."""
        return NSGAIISampler(population_size=self.population, seed=seed)

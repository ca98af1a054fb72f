"""Who proposes configurations."""

from typing import Any

import torch
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial

from harness.core.seeding import stream_seed
from harness.search.space import AbstractDimension

__all__ = ["QuasiRandomSampler"]


class QuasiRandomSampler(BaseSampler):
    """Scrambled Sobol' points over the whole space, categories included.

    A proposal is a function of (study name, trial number) alone: 30 trials in one go equal 15 and then 15, and no
    sampler has to be saved. Optuna's own sampler leaves categories to chance and starts from a random point.
    """

    def __init__(self, space: dict[str, AbstractDimension], name: str) -> None:
        self._space = space
        self._seed = stream_seed(0, "sampler", name)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:  # noqa: ARG002
        """Return the whole space."""
        return {name: dimension.distribution() for name, dimension in self._space.items()}

    def sample_relative(
        self,
        study: Study,  # noqa: ARG002
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],  # noqa: ARG002
    ) -> dict[str, Any]:
        """Return the point of the trial's number."""
        return self.point(trial.number)

    def point(self, number: int) -> dict[str, Any]:
        """Return the configuration of trial `number`."""
        if not self._space:
            return {}
        engine = torch.quasirandom.SobolEngine(len(self._space), scramble=True, seed=self._seed)
        quantiles = engine.fast_forward(number).draw(1, dtype=torch.float64)[0].tolist()
        below_one = (min(quantile, 1 - 1e-9) for quantile in quantiles)
        return {name: d.at(q) for (name, d), q in zip(self._space.items(), below_one, strict=True)}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Sample a parameter that is not in the space; does not happen in a study of this project."""
        return RandomSampler(self._seed % 2**32).sample_independent(study, trial, param_name, param_distribution)

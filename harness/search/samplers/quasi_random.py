"""Points that fill the space evenly."""

from collections.abc import Sequence
from typing import Any, Literal

import torch

from harness.core.seeding import stream_seed
from harness.search.conditions import existing
from harness.search.samplers._base import AbstractSampler, PastTrial, Search

__all__ = ["QuasiRandom"]


class QuasiRandom(AbstractSampler):
    """Scrambled Sobol' points over the whole space, categories included.

    A dimension has a coordinate of its own, which is dropped where it does not exist.

    Optuna's own sampler leaves categories to chance and starts from a random point.
    """

    kind: Literal["quasi_random"] = "quasi_random"

    def point(self, search: Search, number: int, past: Sequence[PastTrial] = ()) -> dict[str, Any]:  # noqa: ARG002
        """Return the point of that number."""
        if not search.space:
            return {}
        seed = stream_seed(0, "sampler", search.name)
        engine = torch.quasirandom.SobolEngine(len(search.space), scramble=True, seed=seed)
        quantiles = engine.fast_forward(number).draw(1, dtype=torch.float64)[0].tolist()
        below_one = (min(quantile, 1 - 1e-9) for quantile in quantiles)
        values = {name: d.at(q) for (name, d), q in zip(search.space.items(), below_one, strict=True)}
        return existing(search.space, values)

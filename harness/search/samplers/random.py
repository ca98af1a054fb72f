"""Points by chance."""

from collections.abc import Sequence
from typing import Any, Literal

import torch

from harness.core.seeding import generator
from harness.search.conditions import existing
from harness.search.samplers._base import AbstractSampler, PastTrial, Search

__all__ = ["Random"]


class Random(AbstractSampler):
    """Independent points, each as likely as any other."""

    kind: Literal["random"] = "random"

    def point(self, search: Search, number: int, past: Sequence[PastTrial] = ()) -> dict[str, Any]:  # noqa: ARG002
        """Return the point of that number."""
        stream = generator(0, "sampler", search.name, number)
        quantiles = torch.rand(len(search.space), dtype=torch.float64, generator=stream).tolist()
        values = {name: d.at(q) for (name, d), q in zip(search.space.items(), quantiles, strict=True)}
        return existing(search.space, values)

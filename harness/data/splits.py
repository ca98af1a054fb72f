"""Fixed splits: the same examples in the same split in every run of a study."""

from collections.abc import Sequence

import torch
from torch import Tensor

from harness.core.seeding import generator

__all__ = ["stratified_split"]


def stratified_split(labels: Tensor, fractions: Sequence[float], *, seed: int) -> list[Tensor]:
    """Return disjoint, sorted indices into `labels` `[N]`, one tensor per fraction.

    Every class is divided alike; what rounding leaves over goes to the first part. The fractions add up to one.
    """
    stream = generator(seed, "split")
    parts: list[list[Tensor]] = [[] for _ in fractions]
    for label in labels.unique():
        members = (labels == label).nonzero().squeeze(1)
        members = members[torch.randperm(len(members), generator=stream)]
        sizes = [int(len(members) * fraction) for fraction in fractions]
        sizes[0] += len(members) - sum(sizes)
        for part, chosen in zip(parts, members.split(sizes), strict=True):
            part.append(chosen)
    return [torch.cat(part).sort().values for part in parts]

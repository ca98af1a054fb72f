"""Fixed splits: the same examples in the same split in every run of a study."""

from collections.abc import Sequence

import torch
from torch import Tensor

from harness.core.seeding import generator

__all__ = ["grouped_split", "stratified_split"]


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


def grouped_split(labels: Tensor, groups: Tensor, fractions: Sequence[float], *, seed: int) -> list[Tensor]:
    """Return the same for whole groups: no group of examples is divided, and every class nearly alike.

    Large groups are placed first, in random order among equals, each into the part that lacks its classes most.

    Args:
        labels: `[N]` classes.
        groups: `[N]` numbers of groups, from 0 on.
        fractions: of the examples, one per part.
        seed: of the order of groups.
    """
    _, classes = labels.unique(return_inverse=True)
    held = torch.zeros(int(groups.max()) + 1, int(classes.max()) + 1, dtype=torch.float64)
    held.index_put_((groups, classes), torch.ones(len(labels), dtype=torch.float64), accumulate=True)
    missing = torch.tensor(fractions, dtype=torch.float64)[:, None] * held.sum(0)  # [parts, classes]
    shares = held / held.sum(0)  # a rare class weighs as much as a common one
    order = torch.randperm(len(held), generator=generator(seed, "split"))
    part_of = torch.zeros(len(held), dtype=torch.int64)
    for group in order[held[order].sum(1).argsort(descending=True, stable=True)]:
        part = int((missing @ shares[group]).argmax())
        missing[part] -= held[group]
        part_of[group] = part
    return [(part_of[groups] == part).nonzero().squeeze(1) for part in range(len(fractions))]

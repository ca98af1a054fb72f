"""Seeded batches: which examples a step sees is a function of (seed, growths so far, step)."""

import torch
from torch import Tensor

from harness.core.errors import DataError
from harness.core.seeding import generator

__all__ = ["BatchOrder"]


class BatchOrder:
    """Epochs of shuffled indices into the examples that can be seen now.

    Step `t` takes batch `t mod n` of epoch `t div n`, `n` full batches making an epoch; steps are counted from the
    growth that fixed which examples can be seen. Nothing is remembered but the current epoch, as a cache.

    Args:
        seen: `[N]` indices of the examples that can be seen.
        size: examples in a batch; fewer where there are not so many.
        seed: the run's seed.
        growths: how many growths came before.

    Attributes:
        size: examples in every batch.

    Raises:
        DataError: there is no example.
    """

    def __init__(self, seen: Tensor, size: int, *, seed: int, growths: int) -> None:
        if not len(seen):
            raise DataError("expected training examples of the classes that have a head, found none; see task.classes")
        self._seen = seen
        self.size = min(size, len(seen))
        self._purpose = (seed, "batches", growths)
        self._epoch = -1
        self._batches: tuple[Tensor, ...] = ()

    @property
    def per_epoch(self) -> int:
        """Full batches in an epoch; examples left over wait for the next shuffle."""
        return len(self._seen) // self.size

    def within(self, step: int, count: int) -> Tensor:
        """Return the indices `[S]` of all examples in the `count` batches from `step` on."""
        if count >= 2 * self.per_epoch:  # at least one whole epoch, of which only the last few are left over
            return self._seen
        seen: Tensor = torch.cat([self.indices(later) for later in range(step, step + count)]).unique()
        return seen

    def indices(self, step: int) -> Tensor:
        """Return the indices `[B]` of the batch at `step`, counted from the growth."""
        epoch, batch = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            order = torch.randperm(len(self._seen), generator=generator(*self._purpose, epoch))
            self._batches = self._seen[order.to(self._seen.device)].split(self.size)
            self._epoch = epoch
        return self._batches[batch]

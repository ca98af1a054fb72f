"""Seeded batches: which examples a step sees is a function of (seed, growths so far, step)."""

import torch
from torch import Tensor

from harness.core.errors import DataError
from harness.core.seeding import generator
from harness.core.transfer import to_device

__all__ = ["BatchOrder", "ReplayedOrder"]


class BatchOrder:
    """Epochs of shuffled indices into the examples that can be seen now.

    Step `t` takes batch `t mod n` of epoch `t div n`; `n` full batches make an epoch, and steps are counted from the
    latest growth. The only state is a cache of the current epoch.

    Args:
        seen: `[N]` indices of the examples that can be seen.
        size: examples in a batch; all of them if there are fewer.
        seed: the run's seed.
        growths: how many growths came before.
        stream: the name of the random stream.

    Attributes:
        size: examples in every batch.
        per_epoch: full batches in an epoch; the remaining examples of a shuffle are not used.

    Raises:
        DataError: there is no example.
    """

    def __init__(self, seen: Tensor, size: int, *, seed: int, growths: int, stream: str = "batches") -> None:
        if not len(seen):
            raise DataError("expected training examples of the classes that have a head, found none; see task.classes")
        self._seen = seen
        self.size = min(size, len(seen))
        self.per_epoch = len(seen) // self.size
        self._purpose = (seed, stream, growths)
        self._epoch = -1
        self._batches: tuple[Tensor, ...] = ()

    def within(self, step: int, count: int) -> Tensor:
        """Return the indices `[S]` of all examples in the `count` batches from `step` on."""
        if count >= 2 * self.per_epoch:  # at least one whole epoch
            return self._seen
        seen: Tensor = torch.cat([self.indices(later) for later in range(step, step + count)]).unique()
        return seen

    def indices(self, step: int) -> Tensor:
        """Return the indices `[B]` of the batch at `step`, counted from the growth."""
        epoch, batch = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            order = torch.randperm(len(self._seen), generator=generator(*self._purpose, epoch))
            self._batches = self._seen[to_device(order, self._seen.device)].split(self.size)
            self._epoch = epoch
        return self._batches[batch]


class ReplayedOrder:
    """Batches of new examples, in which a fraction is replaced by examples of classes that came earlier.

    An epoch counts the new examples; the old ones are shuffled in a random stream of their own. With the fraction 0
    old examples are never seen again.

    Args:
        new: `[N]` indices of the examples whose classes came last.
        old: `[M]` indices of the others that can be seen.
        size: examples in a batch, without those that are added.
        fraction: of a batch that is old, rounded to whole examples; at least one is new.
        added: the number of old examples that are added to a batch of `size` new ones, instead of a fraction.
        seed: the run's seed.
        growths: how many growths came before.

    Attributes:
        per_epoch: full batches in an epoch of the new examples.
        new_size: new examples in every batch.
    """

    def __init__(
        self,
        new: Tensor,
        old: Tensor,
        size: int,
        *,
        fraction: float = 0.0,
        added: int = 0,
        seed: int,
        growths: int,
    ) -> None:
        replaced = min(round(size * fraction), size - 1, len(old))
        count = replaced or min(added, len(old))
        self._new = BatchOrder(new, size - replaced, seed=seed, growths=growths)
        self._old = BatchOrder(old, count, seed=seed, growths=growths, stream="replay") if count else None
        self.per_epoch, self.new_size = self._new.per_epoch, self._new.size

    def indices(self, step: int) -> Tensor:
        """Return the indices `[B]` of the batch at `step`, counted from the growth; the new ones come first."""
        new = self._new.indices(step)
        return new if self._old is None else torch.cat([new, self._old.indices(step)])

    @property
    def size(self) -> int:
        """Examples in every batch."""
        return self._new.size + (self._old.size if self._old else 0)

    def within(self, step: int, count: int) -> Tensor:
        """Return the indices `[S]` of all examples in the `count` batches from `step` on."""
        orders = [self._new, self._old] if self._old else [self._new]
        return torch.cat([order.within(step, count) for order in orders])

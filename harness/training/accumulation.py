"""One update from several parts of a batch, whose gradients are added up to those of the whole batch."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from harness.data import Split
from harness.losses import Batch, total
from harness.training.combined_loss import CombinedLoss, LossCombination

__all__ = ["AccumulatedLoss", "parts_of"]


def parts_of(examples: Split, parts: int) -> Iterator[Split]:
    """Yield a batch in parts, whose sizes differ by one at most; of fewer examples there are fewer parts.

    Each part has examples from the whole batch: one of new and replayed examples begins with the new ones.
    """
    count = len(examples)
    for first in range(min(parts, count)):
        part = examples.take(torch.arange(first, count, parts, device=examples.labels.device))
        yield part if examples.new is None else replace(part, new=len(range(first, examples.new, parts)))


class AccumulatedLoss:
    """The loss of a batch that is seen in parts.

    Args:
        examples: the whole batch.
        losses: say how much of a batch counts in each component.

    Attributes:
        loss: of the parts so far; once all are added, that of the whole batch.
    """

    def __init__(self, examples: Split, losses: LossCombination) -> None:
        self._examples, self._losses = examples, losses
        self._whole: Mapping[str, Tensor] = {}
        self.loss = CombinedLoss({}, {}, torch.zeros(()))

    def add(self, loss: CombinedLoss, batch: Batch) -> CombinedLoss:
        """Add the loss of a part, and return its share in that of the whole batch.

        A component is a mean over examples, so its share is that of the examples that it is a mean of.
        """
        examples = self._examples
        if len(batch.labels) == len(examples):
            self.loss = loss
            return loss
        if not self.loss.components:  # the first part
            names = ("inputs", "labels", "targets", "stored", "new")
            self._whole = self._losses.counts(replace(batch, **{name: getattr(examples, name) for name in names}))
        shares = self._shares(loss, batch)
        weighted = {name: shares[name] * value for name, value in loss.weighted.items()}
        components = {name: shares[name] * value for name, value in loss.components.items()}
        own = CombinedLoss(components, weighted, total(weighted, {})[0])
        self.loss = _sum(self.loss, own)
        return own

    def _shares(self, loss: CombinedLoss, batch: Batch) -> dict[str, Tensor | float]:
        plain = len(batch.labels) / len(self._examples)
        counts = self._losses.counts(batch)
        return {
            name: _share(counts[name], self._whole[name], plain) if name in counts else plain
            for name in loss.components
        }


def _share(part: Tensor, whole: Tensor, plain: float) -> Tensor:
    """Return the share of a part; if nothing counts in the whole batch, as if every example did."""
    return torch.where(whole > 0, part / whole.clamp(min=torch.finfo(torch.float32).tiny), plain)


def _sum(before: CombinedLoss, part: CombinedLoss) -> CombinedLoss:
    def add(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: one[name] + value.detach() if name in one else value.detach() for name, value in other.items()}

    whole = part.total.detach() + (before.total if before.components else 0.0)
    return CombinedLoss(add(before.components, part.components), add(before.weighted, part.weighted), whole)

"""Dark experience replay: answers to remembered examples stay what they were when the examples were stored."""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from harness.losses._base import AbstractLoss, Batch

__all__ = ["DarkExperience"]


class DarkExperience(AbstractLoss):
    """The mean of (z - h)^2 over the examples from the memory, and over columns (DER, arXiv 2004.07211).

    h are the logits now, z those that the memory stored with the example. Columns that are newer than z do not count.
    The weight is the paper's alpha. DER trains the true classes of new examples beside it, `OfExamples(which="new",
    loss=JointCrossEntropy())`; DER++ also those of remembered ones, `OfExamples(which="memory", ...)`, whose weight is
    the paper's beta. Both terms are of the same remembered examples; the paper draws them for each, and stores an
    example when it is seen, not when the next classes arrive. There is no component while nothing is remembered.

    Attributes:
        output: the output that is compared; by default all heads that classify labels.
    """

    kind: Literal["dark_experience"] = "dark_experience"
    output: str | None = None

    @property
    def needs_memory(self) -> bool:
        """Return True."""
        return True

    @property
    def before_growth(self) -> AbstractLoss | None:
        """Return None, unless its weight is learned, which the network then holds from the start."""
        return self if self.learned_weight else None

    def components(self, name: str, batch: Batch) -> dict[str, Tensor]:
        """Return one component, or none."""
        pairs = [(batch.outputs[output], stored) for output, stored in self._stored(batch).items()]
        if not pairs:
            return {}
        distances, known = torch.zeros((), device=batch.labels.device), self._known(batch)
        for now, stored in pairs:
            then = stored[batch.new :]
            distances = distances + (now[batch.new :] - then).where(~then.isnan(), 0.0).square().sum()
        return {name: distances / known.clamp(min=1)}

    def counts(self, name: str, batch: Batch) -> Mapping[str, Tensor]:
        """Return the number of stored logits."""
        return {name: self._known(batch)} if self._stored(batch) else {}

    def _stored(self, batch: Batch) -> dict[str, Tensor]:
        heads = (self.output,) if self.output else batch.specs.label_map.heads
        return {head: batch.stored[head] for head in heads if head in batch.stored and head in batch.outputs}

    def _known(self, batch: Batch) -> Tensor:
        return torch.stack([(~stored.isnan()).sum() for stored in self._stored(batch).values()]).sum()

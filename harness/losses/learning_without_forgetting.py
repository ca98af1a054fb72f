"""Learning without forgetting: old outputs stay close to what they were."""

from typing import Literal

import torch
from pydantic import PositiveFloat
from torch import Tensor

from harness.losses._base import AbstractLoss, Batch

__all__ = ["LearningWithoutForgetting"]


class LearningWithoutForgetting(AbstractLoss):
    """-sum p log q of the old outputs, averaged over the current batch (arXiv 1606.09282).

    p and q are the softmax at temperature T of the old columns: p of the network before the growth (its teacher; see
    `keep_teacher` of a growth), q of the network now. Heads that classify labels are compared jointly, as they are
    trained, or one by one; other outputs that classify one by one; values by their squared difference. There is no
    component while there is no teacher. Columns of classes that were hidden are compared like all others.

    Attributes:
        temperature: T.
        joint: whether the heads that classify labels are compared jointly.
    """

    kind: Literal["learning_without_forgetting"] = "learning_without_forgetting"
    temperature: PositiveFloat = 2.0
    joint: bool = True

    @property
    def needs_teacher(self) -> bool:
        """Return True."""
        return True

    def components(self, name: str, batch: Batch) -> dict[str, Tensor]:
        """Return one component, the sum over old outputs; none without a teacher."""
        old, new = batch.teacher, batch.outputs
        if old is None:
            return {}
        shared = {key: new[key][:, : old[key].shape[1]] for key in old if key in new and old[key].dim() > 1}
        heads = [head for head in batch.specs.label_map.heads if head in shared]
        terms = []
        if heads and self.joint:
            joined = [torch.cat([source[head] for head in heads], dim=1) for source in (old, shared)]
            terms.append(self._cross_entropy(*joined))
        else:
            terms.extend(self._cross_entropy(old[head], shared[head]) for head in heads)
        for output, described in batch.specs.outputs.items():
            if output in shared and described.kind == "classes":
                terms.append(self._cross_entropy(old[output], shared[output]))
            elif output in shared:
                terms.append((old[output] - shared[output]).square().mean())
        return {name: torch.stack(terms).sum()} if terms else {}

    def _cross_entropy(self, old: Tensor, new: Tensor) -> Tensor:
        p, log_q = (old / self.temperature).softmax(dim=1), (new / self.temperature).log_softmax(dim=1)
        return -(p * log_q).sum(dim=1).mean()

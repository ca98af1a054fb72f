"""Cross-entropy over the heads' logits side by side, one component per head."""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from harness.core.label_map import LabelMap
from harness.losses._base import AbstractLoss

__all__ = ["JointCrossEntropy"]


class JointCrossEntropy(AbstractLoss):
    """-log softmax of the true class among all heads' logits, averaged over the examples of each head's classes.

    All heads compete for every example, so their logits can be compared; a head's component speaks of the examples
    whose class it answers for, and is zero for a batch without any.
    """

    kind: Literal["joint_cross_entropy"] = "joint_cross_entropy"

    def components(self, outputs: Mapping[str, Tensor], labels: Tensor, label_map: LabelMap) -> dict[str, Tensor]:
        """Return one component per head."""
        # The logits of a 16-bit autocast region are cast up: a softmax over them would lose digits.
        logits = torch.cat([outputs[head] for head in label_map.heads], dim=1).float()
        losses = functional.cross_entropy(logits, label_map.column[labels], reduction="none")
        if len(label_map.heads) == 1:
            return {label_map.heads[0]: losses.mean()}
        owner = label_map.head[labels]
        return {head: _mean(losses, owner == index) for index, head in enumerate(label_map.heads)}


def _mean(losses: Tensor, chosen: Tensor) -> Tensor:
    # A sum over a mask, unlike indexing with it, does not make a GPU wait.
    return (losses * chosen).sum() / chosen.sum().clamp(min=1)

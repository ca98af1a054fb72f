"""What a loss is: components by name."""

from abc import abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor

from harness.core.label_map import LabelMap
from harness.core.spec import LeafSpec

__all__ = ["AbstractLoss", "total"]


class AbstractLoss(LeafSpec):
    """Named loss terms of one batch."""

    @abstractmethod
    def components(self, outputs: Mapping[str, Tensor], labels: Tensor, label_map: LabelMap) -> dict[str, Tensor]:
        """Return scalars by name, unweighted.

        Args:
            outputs: what the model returned; the logits `[B, classes of the head]` of each head.
            labels: `[B]` classes, all of which some head answers for.
            label_map: which head and column answer for which class.
        """


def total(components: Mapping[str, Tensor], weights: Mapping[str, float]) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the weighted sum of the components, and each weighted component; a weight not given is 1."""
    weighted = {name: weights.get(name, 1.0) * value for name, value in components.items()}
    return torch.stack(list(weighted.values())).sum(), weighted

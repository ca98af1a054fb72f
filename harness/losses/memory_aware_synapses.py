"""Memory aware synapses: what moves the outputs most stays where it was."""

from collections.abc import Mapping
from typing import Literal

import torch
from pydantic import PositiveInt
from torch import Tensor

from harness.losses._base import AbstractLoss
from harness.losses._penalty import AbstractPenalty
from harness.losses._state import Learned, LossState, SeenExample

__all__ = ["MemoryAwareSynapses"]


class MemoryAwareSynapses(AbstractPenalty):
    """`sum O * (value - anchor)^2`, O how much a change would change the outputs (MAS, arXiv 1711.09601).

    Before each arrival the size of the gradient of the squared length of the outputs, in the mean over examples of what
    arrived last, is added to O; the anchors are the latest values; the weight is the paper's lambda. Outputs are those
    that a loss compares with targets, for heads that do not compete those of the example's own.

    Attributes:
        examples: how many O is a mean over.
    """

    kind: Literal["memory_aware_synapses"] = "memory_aware_synapses"
    examples: PositiveInt = 500

    @property
    def before_growth(self) -> AbstractLoss | None:
        """Return None, unless its weight is learned: before the first arrival there is no component and no state."""
        return self if self.learned_weight else None

    def before_arrival(self, state: LossState, learned: Learned) -> LossState:
        """Return the state with O of what was learned."""
        earlier, fresh = state.get("importance", {}), learned.mean(self.examples, _sensitivity)
        added = {key: earlier[key] + new if key in earlier else new for key, new in fresh.items()}
        return {"importance": added, "anchor": learned.values}


def _sensitivity(example: SeenExample, sums: Mapping[str, Tensor]) -> None:
    if example.predictions:
        length = torch.stack([values.square().sum() for values in example.predictions.values()]).sum()
        for key, gradient in example.gradient(length).items():
            sums[key].add_(gradient.abs())

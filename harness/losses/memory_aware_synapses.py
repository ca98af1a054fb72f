"""Memory aware synapses: what moves the outputs most stays where it was."""

from collections.abc import Mapping
from typing import ClassVar, Literal

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
        together: of how many examples the gradient is a mean before its size is taken, as in code that goes through
            batches; what moves the outputs of some of them up and of others down then counts less.
    """

    later: ClassVar[tuple[str, ...]] = ("together",)

    kind: Literal["memory_aware_synapses"] = "memory_aware_synapses"
    examples: PositiveInt = 500
    together: PositiveInt = 1

    @property
    def before_growth(self) -> AbstractLoss | None:
        """Return None, unless its weight is learned: before the first arrival there is no component and no state."""
        return self if self.learned_weight else None

    def before_arrival(self, state: LossState, learned: Learned) -> LossState:
        """Return the state with O of what was learned."""
        earlier, fresh = state.get("importance", {}), learned.mean(self.examples, _Sensitivity(self.together))
        added = {key: earlier[key] + new if key in earlier else new for key, new in fresh.items()}
        return {"importance": added, "anchor": learned.values}


class _Sensitivity:
    """Adds up the size of the gradient of the outputs' squared length, of `together` examples at a time."""

    def __init__(self, together: int) -> None:
        self._together = together
        self._seen = 0
        self._sum: dict[str, Tensor] = {}

    def __call__(self, example: SeenExample, sums: Mapping[str, Tensor]) -> None:
        if not example.predictions:
            return
        if self._seen % self._together == 0:
            self._sum = {}
        self._seen += 1
        length = torch.stack([values.square().sum() for values in example.predictions.values()]).sum()
        for key, gradient in example.gradient(length).items():
            before = self._sum.get(key, torch.zeros_like(gradient))
            self._sum[key] = before + gradient
            sums[key].add_(self._sum[key].abs() - before.abs())  # no examples are left over at the end

"""Penalties on parameters that move away from where they were."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from harness.losses._base import AbstractLoss, Batch, cast_up
from harness.losses._state import Learned, LossState

__all__ = ["AbstractPenalty"]

ANCHOR, IMPORTANCE = "anchor", "importance"


class AbstractPenalty(AbstractLoss):
    """`factor * sum importance * (value - anchor)^2` over all parameters, and over all pairs that its state has.

    `importance` and `anchor` have the same ending in a pair. Before the first arrival there is no component. An arrival
    is a growth that brings classes or outputs; parameters that are born at one are free until the next.
    """

    factor: ClassVar[float] = 1.0

    @property
    def is_penalty(self) -> bool:
        """Return True."""
        return True

    @property
    def keeps_state(self) -> bool:
        """Return True."""
        return True

    @abstractmethod
    def before_arrival(self, state: LossState, learned: Learned) -> LossState:
        """Return the state from now on, with what `learned` says of what is important."""

    def components(self, name: str, batch: Batch) -> dict[str, Tensor]:
        """Return one component, or none."""
        # Not in the order of the state, which is another one in a run that goes on: sums would have other last bits.
        terms = [
            (important[key] * (cast_up(value) - anchors[key]).square()).sum()
            for important, anchors in _pairs(batch.states.get(name, {}))
            for key, value in batch.parameters.items()
            if key in important
        ]
        return {name: self.factor * torch.stack(terms).sum()} if terms else {}


def _pairs(state: LossState) -> list[tuple[Mapping[str, Tensor], Mapping[str, Tensor]]]:
    endings = sorted(what.removeprefix(IMPORTANCE) for what in state if what.startswith(IMPORTANCE))
    return [(state[IMPORTANCE + ending], state[ANCHOR + ending]) for ending in endings]

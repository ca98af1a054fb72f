"""Penalties on parameters that move away from where they were."""

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from harness.losses._base import AbstractLoss, Batch, cast_up
from harness.losses._state import Learned, LossState

__all__ = ["AbstractPenalty"]


class AbstractPenalty(AbstractLoss):
    """`factor * sum importance * (value - anchor)^2` over all parameters; the state has `importance` and `anchor`.

    Before the first arrival, a growth that brings classes or outputs, there is no component. Parameters that are born
    at one are free until the next.
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
        state = batch.states.get(name, {})
        important, anchors = state.get("importance", {}), state.get("anchor", {})
        # Not in the order of the state, which is another one in a run that goes on: sums would have other last bits.
        moving = {key: cast_up(value) for key, value in batch.parameters.items() if key in important}
        terms = [(important[key] * (value - anchors[key]).square()).sum() for key, value in moving.items()]
        return {name: self.factor * torch.stack(terms).sum()} if terms else {}

"""Synaptic intelligence: what has lowered the loss most stays where it was."""

from collections.abc import Mapping
from typing import Literal

import torch
from pydantic import PositiveFloat
from torch import Tensor

from harness.losses._base import AbstractLoss
from harness.losses._penalty import AbstractPenalty
from harness.losses._state import Learned, LossState, Move

__all__ = ["SynapticIntelligence"]


class SynapticIntelligence(AbstractPenalty):
    """`sum O * (value - anchor)^2`, O how much moving a value has lowered the loss (SI, arXiv 1703.04200).

    With each update, the products of the loss's gradient with the moves are added up along the way. Before an arrival
    that sum, by which the loss has become lower, is divided by the square of the whole move plus `damping` and added to
    O; the anchors are the latest values; the weight is the paper's c. Losses that keep a state do not count.

    Attributes:
        damping: the paper's xi.
    """

    kind: Literal["synaptic_intelligence"] = "synaptic_intelligence"
    damping: PositiveFloat = 0.1

    @property
    def follows_updates(self) -> bool:
        """Return True."""
        return True

    @property
    def before_growth(self) -> AbstractLoss | None:
        """Return the same of weight 1, unless that is learned: the way begins at the start, and pulls nowhere yet."""
        return self if self.learned_weight else self.model_copy(update={"weight": 1.0})

    def begin(self, state: LossState, values: Mapping[str, Tensor]) -> LossState:
        """Return the state with a way that begins at `values` for each parameter that is new."""
        known = state.get("anchor", {})
        anchors = {key: known.get(key, value) for key, value in values.items()}
        path = {key: state["path"][key] if key in known else torch.zeros_like(value) for key, value in values.items()}
        return {**state, "anchor": anchors, "path": path}

    def after_update(self, state: LossState, move: Move) -> LossState:
        """Return the state with one step more of the way."""
        path = dict(state["path"])
        for key, gradient in move.gradients.items():
            moved = move.after[key] - move.before[key]
            # An update that was skipped moves nothing, and its gradients may not be finite.
            path[key] = path[key] - (gradient * moved).where(moved != 0, 0.0)
        return {**state, "path": path}

    def before_arrival(self, state: LossState, learned: Learned) -> LossState:
        """Return the state with a new way, and O of the one that ends."""
        earlier, anchors, path = state.get("importance", {}), state["anchor"], state["path"]
        importance = {}
        for key, value in learned.values.items():
            own = path[key] / ((value - anchors[key]).square() + self.damping)
            importance[key] = earlier[key] + own if key in earlier else own
        fresh = {key: torch.zeros_like(value) for key, value in learned.values.items()}
        return {"importance": importance, "anchor": learned.values, "path": fresh}

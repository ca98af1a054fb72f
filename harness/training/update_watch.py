"""What losses that follow updates see of each."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from harness.losses import AbstractLoss, Move
from harness.training.state import TrainState

__all__ = ["UpdateWatch"]


class UpdateWatch:
    """Shows each update of `state` to those of `losses` that follow updates: `add`, `begin`, the update, `end`."""

    def __init__(self, state: TrainState, losses: Mapping[str, AbstractLoss]) -> None:
        self._state = state
        self._followers = {name: loss for name, loss in losses.items() if loss.follows_updates}
        self._keepers = [name for name, loss in losses.items() if loss.keeps_state]
        self._own: dict[str, Tensor] = {}
        self._before: dict[str, Tensor] = {}
        self._gradients: dict[str, Tensor] = {}

    def add(self, weighted: Mapping[str, Tensor]) -> None:
        """Note the gradient of what losses that keep a state add to the loss; all parts of a batch are added up."""
        own = [weighted[name] for name in self._keepers if name in weighted and weighted[name].requires_grad]
        if own:
            moving = self._moving()
            total, leaves = torch.stack(own).sum(), tuple(moving.values())
            found = torch.autograd.grad(total, leaves, retain_graph=True, allow_unused=True, materialize_grads=True)
            for key, gradient in zip(moving, found, strict=True):
                self._own[key] = self._own[key] + gradient if key in self._own else gradient

    def begin(self) -> None:
        """Note the values before the update, and the gradients of all other losses, which are unscaled by now."""
        moving = {key: parameter for key, parameter in self._moving().items() if parameter.grad is not None}
        self._before = {key: parameter.detach().clone() for key, parameter in moving.items()}
        # Clipping changes gradients in place.
        self._gradients = {key: self._others(key, parameter) for key, parameter in moving.items()}
        self._own = {}

    def end(self) -> None:
        """Show the losses the update."""
        now = self._moving()
        move = Move(self._before, {key: now[key].detach() for key in self._before}, self._gradients)
        for name, loss in self._followers.items():
            self._state.loss_states[name] = loss.after_update(self._state.loss_states[name], move)

    def _moving(self) -> dict[str, nn.Parameter]:
        return {key: parameter for key, parameter in self._state.learnable.items() if parameter.requires_grad}

    def _others(self, key: str, parameter: nn.Parameter) -> Tensor:
        whole: Tensor = parameter.grad.detach()  # type: ignore[union-attr]  # `begin` has asked
        return whole - self._own[key] if key in self._own else whole.clone()

"""Optimizers as specs. A group's learning rate belongs to the group; a schedule multiplies it."""

from abc import abstractmethod
from collections.abc import Iterable
from typing import Annotated, Literal

import torch
from pydantic import Field, NonNegativeFloat, PositiveFloat
from torch import nn

from harness.core.spec import LeafSpec

__all__ = ["SGD", "AbstractOptimizer", "AdamW"]

Fraction = Annotated[NonNegativeFloat, Field(lt=1)]


class AbstractOptimizer(LeafSpec):
    """An optimizer to be built."""

    lr: PositiveFloat

    @abstractmethod
    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return the optimizer with one group that holds `parameters`."""

    def start(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Build the optimizer and note in its group what schedules need: its learning rate and its birth."""
        optimizer = self.build(parameters)
        optimizer.param_groups[0] |= {"base_lr": self.lr, "born": 0, "warm_up": 0, "lr_scale": 1.0}
        return optimizer


class SGD(AbstractOptimizer):
    """Stochastic gradient descent with momentum."""

    kind: Literal["sgd"] = "sgd"
    lr: PositiveFloat = 0.05
    momentum: Fraction = 0.9
    nesterov: bool = False
    weight_decay: NonNegativeFloat = 0.0

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return `torch.optim.SGD`."""
        return torch.optim.SGD(
            parameters, self.lr, self.momentum, weight_decay=self.weight_decay, nesterov=self.nesterov
        )


class AdamW(AbstractOptimizer):
    """Adam with decoupled weight decay (arXiv 1711.05101)."""

    kind: Literal["adamw"] = "adamw"
    lr: PositiveFloat = 1e-3
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    weight_decay: NonNegativeFloat = 0.01

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return `torch.optim.AdamW`."""
        return torch.optim.AdamW(parameters, self.lr, self.betas, weight_decay=self.weight_decay)

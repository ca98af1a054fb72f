"""Optimizers as specs. A group's learning rate belongs to the group; a schedule multiplies it."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import torch
from pydantic import Field, NonNegativeFloat, PositiveFloat
from torch import nn

from harness.core.spec import LeafSpec
from harness.training.compiler import spare_compiler

__all__ = ["SGD", "AbstractOptimizer", "AdamW"]

Fraction = Annotated[NonNegativeFloat, Field(lt=1)]


class AbstractOptimizer(LeafSpec):
    """The spec of an optimizer."""

    lr: PositiveFloat

    @abstractmethod
    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return the optimizer with one group that holds `parameters`."""

    def start(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Build the optimizer, and store in its group what schedules need: its learning rate and its birth."""
        spare_compiler()
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
        known = list(parameters)
        return torch.optim.SGD(
            known,
            self.lr,
            self.momentum,
            weight_decay=self.weight_decay,
            nesterov=self.nesterov,
            fused=_all_on_cpu(known),
        )


class AdamW(AbstractOptimizer):
    """Adam with decoupled weight decay (arXiv 1711.05101)."""

    kind: Literal["adamw"] = "adamw"
    lr: PositiveFloat = 1e-3
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    weight_decay: NonNegativeFloat = 0.01

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return `torch.optim.AdamW`."""
        known = list(parameters)
        return torch.optim.AdamW(
            known, self.lr, self.betas, weight_decay=self.weight_decay, fused=_on_one_device(known)
        )


def _on_one_device(parameters: Sequence[nn.Parameter]) -> bool | None:
    """Return True to update all in one kernel, on a CPU or a GPU, which then decides itself whether to skip."""
    devices = {parameter.device for parameter in parameters}
    return True if len(devices) == 1 and next(iter(devices)).type in ("cpu", "cuda") else None


def _all_on_cpu(parameters: Sequence[nn.Parameter]) -> bool | None:
    """Return True to update all in one kernel, which takes a third of the time on a CPU; None for torch's choice."""
    return True if all(parameter.device.type == "cpu" for parameter in parameters) else None

from collections.abc import Iterable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.optim import Optimizer

from harness.core.errors import SurgeryError
from harness.growth import OldParameters, Probe, WidenHead, WidenLayer, grow
from harness.growth.surgery import check_still
from tests.growth.surgery.zoo import OPTIMIZERS


class Plain(Optimizer):
    """Gradient descent, with what the tests need of a parameter."""

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float = 0.01) -> None:
        super().__init__(parameters, {"lr": lr})

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update each parameter by itself."""
        del closure
        with torch.no_grad():
            for group in self.param_groups:
                for index, parameter in enumerate(group["params"]):
                    self.update(parameter, index, group["lr"])

    def update(self, parameter: nn.Parameter, index: int, lr: float) -> None:
        """Go down the gradient."""
        del index
        if parameter.grad is not None:
            parameter.sub_(lr * parameter.grad)


class DecaysAll(Plain):
    """Decays weights with or without a gradient."""

    def update(self, parameter: nn.Parameter, index: int, lr: float) -> None:
        parameter.mul_(0.99)
        super().update(parameter, index, lr)


class MovesOn(Plain):
    """Goes on with its momentum where there is no gradient."""

    def update(self, parameter: nn.Parameter, index: int, lr: float) -> None:
        super().update(parameter, index, lr)
        moment = self.state[parameter].setdefault("moment", torch.zeros_like(parameter))
        if parameter.grad is not None:
            moment.add_(parameter.grad)
        parameter.sub_(lr * moment)


class ById(Plain):
    """Keeps a number for each parameter by its `id`."""

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float = 0.01) -> None:
        super().__init__(parameters, lr)
        self.moments: dict[int, torch.Tensor] = {}

    def update(self, parameter: nn.Parameter, index: int, lr: float) -> None:
        self.moments.setdefault(id(parameter), torch.zeros(()))
        super().update(parameter, index, lr)


class ByPosition(Plain):
    """Keeps momentum by the position of parameters."""

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float = 0.01) -> None:
        super().__init__(parameters, lr)
        self.moments = [torch.zeros_like(parameter) for group in self.param_groups for parameter in group["params"]]


def trained(kind: type[Plain]) -> tuple[nn.Sequential, Plain]:
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))
    optimizer = kind(model.parameters())
    functional.mse_loss(model(torch.ones(2, 4)), torch.zeros(2, 3)).backward()
    optimizer.step()
    return model, optimizer


@pytest.mark.parametrize("kind", [DecaysAll, MovesOn])
def test_freezing_is_refused_for_an_optimizer_that_moves_what_has_no_gradient(kind: type[Plain]) -> None:
    model, optimizer = trained(kind)
    head = model[2]

    with pytest.raises(SurgeryError, match=f"found {kind.__name__}, whose step changes them"):
        grow(model, optimizer, WidenHead(path="2", to=5), freeze_policy=OldParameters())

    assert model[2] is head
    assert all(parameter.requires_grad for parameter in model.parameters())
    grow(model, optimizer, WidenHead(path="2", to=5))


@pytest.mark.parametrize("kind", [ById, ByPosition])
def test_an_optimizer_that_remembers_otherwise_than_by_parameter_is_refused(kind: type[Plain]) -> None:
    model, optimizer = trained(kind)

    with pytest.raises(SurgeryError, match=f"found {kind.__name__}, which keeps parameters in its 'moments'"):
        grow(model, optimizer, WidenLayer(path="0", by=2), probe=Probe(torch.ones(2, 4)))

    assert model[0].weight.shape == (6, 4)


@pytest.mark.parametrize("name", ["SGD nesterov", "AdamW", "Adafactor", "Muon", "schedulefree AdamW"])
def test_optimizers_that_pass_over_what_has_no_gradient_are_taken(name: str) -> None:
    parameter = nn.Parameter(torch.ones(3, 3), requires_grad=False)

    check_still([OPTIMIZERS[name]([parameter])])

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from harness.core.errors import ModulePathError
from harness.growth import Probe, ReplaceHead, WidenHead, WidenLayer, grow

INPUTS = torch.ones(4, 8)


class Penalized(nn.Module):
    """Keeps what is decayed in an attribute of its own."""

    def __init__(self, decayed: Callable[["Penalized"], Any]) -> None:
        super().__init__()
        self.a, self.out = nn.Linear(8, 16), nn.Linear(16, 3)
        self.decayed = decayed(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return `[B, 3]` for `x` `[B, 8]`."""
        out: Tensor = self.out(torch.relu(self.a(x)))
        return out


@pytest.mark.parametrize(
    "decayed",
    [
        lambda net: [net.a.weight],
        lambda net: (1.0, [net.out.bias, net.out.weight]),
        lambda net: {"weights": {net.a.weight}},
        lambda net: {net.a.weight: 0.1},
    ],
    ids=["list", "nested", "set", "keys"],
)
def test_a_parameter_in_an_attribute_that_would_be_out_of_date_is_refused(decayed: Callable[[Penalized], Any]) -> None:
    model = Penalized(decayed)
    before = dict(model.named_parameters())

    with pytest.raises(ModulePathError, match="found one in the attribute 'decayed' of Penalized"):
        grow(model, SGD(model.parameters(), lr=0.1), WidenLayer(path="a", by=8), probe=Probe(INPUTS))

    assert all(parameter is before[name] for name, parameter in model.named_parameters())


def test_a_list_of_layers_whose_head_is_replaced_is_refused() -> None:
    model = Penalized(lambda net: [net.out])

    with pytest.raises(ModulePathError, match="found one in the attribute 'decayed'"):
        grow(model, SGD(model.parameters(), lr=0.1), ReplaceHead(path="out", to=5))


def test_a_list_of_layers_that_stay_the_same_modules_is_no_hindrance() -> None:
    model = Penalized(lambda net: [net.a, net.out])

    grow(model, SGD(model.parameters(), lr=0.1), WidenLayer(path="a", by=8), probe=Probe(INPUTS))

    assert model.decayed[0].weight is model.a.weight


def test_parameters_in_an_attribute_that_stay_are_no_hindrance() -> None:
    model = Penalized(lambda net: [net.a.weight, net.out.weight])

    grow(model, SGD(model.parameters(), lr=0.1), WidenHead(path="out", to=5))

    assert model.decayed[0] is model.a.weight

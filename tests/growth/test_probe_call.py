from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from harness.core.errors import InputError, SpecError
from harness.growth import DuplicateLayers, Probe, PruneUnits, WidenLayer, grow


class Shifted(nn.Module):
    """Adds a statistic of its weights."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.out = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Return `[B, 3]` for `x` `[B, 8]`."""
        out: Tensor = self.out(torch.relu(self.b(self.a(x)))) + self.a.weight.norm()
        return out


@pytest.mark.parametrize(
    "operation",
    [WidenLayer(path="0", by=2), PruneUnits(path="0", by=2), DuplicateLayers(path="", layers=(1,), zeroed=())],
    ids=lambda operation: operation.kind,
)
@pytest.mark.parametrize(
    "inputs", [torch.ones(4, 5), {"x": torch.ones(4, 5)}, "words"], ids=["tensor", "named", "text"]
)
def test_a_probe_that_the_network_cannot_be_called_with_is_refused_in_one_line(operation: Any, inputs: Any) -> None:
    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3))

    with pytest.raises(InputError) as raised:
        grow(model, SGD(model.parameters(), lr=0.1), operation, probe=Probe(inputs))

    assert "\n" not in str(raised.value)
    assert len(model) == 3


def test_the_line_says_what_the_network_says_of_the_probe() -> None:
    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3))

    with pytest.raises(SpecError, match=r"that Sequential can be called with, found inputs of \[4, 5\]: mat1 and mat2"):
        grow(model, SGD(model.parameters(), lr=0.1), WidenLayer(path="0", by=2), probe=Probe(torch.ones(4, 5)))


@pytest.mark.parametrize("scale", [1e30, float("nan"), float("inf")])
def test_a_probe_whose_outputs_show_no_difference_is_refused(scale: float) -> None:
    model = Shifted()

    with pytest.raises(InputError, match="all NaN, infinite or above 1e\\+15, beside which no difference is seen"):
        grow(model, SGD(model.parameters(), lr=0.1), WidenLayer(path="a", by=2), probe=Probe(torch.ones(4, 8) * scale))

    assert len(model.a.weight) == 8

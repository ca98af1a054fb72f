import math

import pytest
import torch
from torch import nn

from harness.initializers import LayerContext, TorchDefault


@pytest.mark.parametrize("fan_in", [3, 400])
@pytest.mark.parametrize("name", ["weight", "bias"])
def test_values_are_spread_as_those_of_a_new_linear_layer(fan_in: int, name: str) -> None:
    layer = nn.Linear(fan_in, 20_000)
    shape = tuple(getattr(layer, name).shape)

    values = TorchDefault().values(shape, LayerContext(fan_in, 20_000), torch.Generator().manual_seed(0))

    assert values.abs().max().item() == pytest.approx(1 / math.sqrt(fan_in), rel=1e-3)
    assert values.std().item() == pytest.approx(getattr(layer, name).std().item(), rel=0.03)

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from harness.core.errors import ModulePathError
from harness.models.layer_copies import copied_layer, pairs_of_parameters


class Layer(nn.Module):
    """A layer that shares a config, a module and a weight with others."""

    def __init__(self, config: SimpleNamespace, activation: nn.Module, bias: nn.Parameter) -> None:
        super().__init__()
        self.config = config
        self.linear = nn.Linear(2, 2)
        self.linear.bias = bias
        self.activation = activation


def stacked() -> nn.ModuleList:
    shared = (SimpleNamespace(size=2), nn.PReLU(), nn.Parameter(torch.ones(2)))
    return nn.ModuleList(Layer(*shared) for _ in range(2))


def test_a_copy_shares_what_its_original_shares_and_nothing_else() -> None:
    model = stacked()

    twin = copied_layer(model, model[0], "0")

    assert isinstance(twin, Layer)
    assert isinstance(twin.activation, nn.PReLU)
    assert twin.config is vars(model[0])["config"]
    assert twin.activation is model[0].get_submodule("activation")
    assert twin.linear.bias is model[0].get_parameter("linear.bias")
    assert twin.linear.weight is not model[0].get_parameter("linear.weight")
    assert pairs_of_parameters(model[0], twin) == [(model[0].get_parameter("linear.weight"), twin.linear.weight)]


def test_a_copy_has_the_values_and_marks_of_its_original_and_no_gradient() -> None:
    model = stacked()
    weight = model[1].get_parameter("linear.weight")
    vars(weight)["no_decay"], weight.grad = True, torch.ones(2, 2)

    twin = copied_layer(model, model[1], "1").get_parameter("linear.weight")

    assert torch.equal(twin, weight)
    assert vars(twin) == {"no_decay": True}
    assert twin.grad is None


def test_a_layer_that_keeps_an_activation_is_refused() -> None:
    model = stacked()
    vars(model[0])["kept"] = model[0].get_parameter("linear.weight") * 2

    with pytest.raises(ModulePathError, match=r"can be copied at 'layers\.0', found one that cannot: Only Tensors"):
        copied_layer(model, model[0], "layers.0")

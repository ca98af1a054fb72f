import pytest
import torch
from torch import nn

from harness.core.errors import ModulePathError
from harness.models.output_layer import check_renewable, output_layer_like


def test_a_layer_like_another_draws_nothing() -> None:
    layer, stream = nn.Linear(3, 4), torch.get_rng_state()

    output_layer_like(layer, torch.ones(2, 3), torch.ones(2), trainable=True)

    assert torch.equal(torch.get_rng_state(), stream)


@pytest.mark.parametrize("layer", [nn.Linear(3, 4).double(), nn.Conv2d(3, 4, 1).bfloat16()])
def test_a_layer_like_another_has_its_type_and_mode(layer: nn.Linear | nn.Conv2d) -> None:
    layer.eval()
    rows = torch.ones(2, *layer.weight.shape[1:])

    new = output_layer_like(layer, rows, None, trainable=False)

    assert (new.weight.dtype, new.weight.requires_grad, new.training) == (layer.weight.dtype, False, False)
    assert new.bias is None


def test_a_convolution_like_another_reads_as_it_does() -> None:
    layer = nn.Conv2d(2, 3, 3, stride=2, padding=2, dilation=2, padding_mode="circular")
    maps = torch.randn(1, 2, 8, 8)

    new = output_layer_like(layer, layer.weight, layer.bias, trainable=True)

    assert torch.equal(new(maps), layer(maps))


def test_a_tensor_in_two_modules_cannot_be_renewed() -> None:
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    second.bias = first.bias
    model = nn.Sequential(first, second)

    check_renewable(second, "1", model, ("weight",), "")
    with pytest.raises(ModulePathError, match=r"'1' alone to hold its bias, found it in '0\.bias' too; think"):
        check_renewable(second, "1", model, ("weight", "bias"), "think")

import torch
from torch import nn
from torch.nn import functional

from harness.models.cosine import CosineLinear, ScaledCosines
from harness.models.widened import Widened, fuse


def test_outputs_are_cosines_whatever_the_lengths() -> None:
    torch.manual_seed(0)
    layer, inputs = CosineLinear(4, 3, bias=False), torch.randn(2, 5, 4)
    expected = functional.cosine_similarity(inputs.unsqueeze(-2), layer.weight, dim=-1)

    found = layer(inputs)
    with torch.no_grad():
        layer.weight *= 7

    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(layer(3 * inputs), expected)


def test_widened_cosines_are_those_of_all_rows() -> None:
    torch.manual_seed(0)
    module, inputs = Widened(CosineLinear(4, 3, bias=False), CosineLinear(4, 2, bias=False)), torch.randn(5, 4)

    plain = fuse(module)

    assert type(plain) is CosineLinear
    torch.testing.assert_close(plain(inputs), module(inputs))


def test_the_scale_is_learned() -> None:
    module = ScaledCosines(CosineLinear(4, 3, bias=False), torch.tensor(10.0))
    inputs = torch.randn(5, 4)

    module(inputs).sum().backward()

    assert isinstance(module.scale, nn.Parameter)
    torch.testing.assert_close(module.scale.grad, module.cosines(inputs).sum())

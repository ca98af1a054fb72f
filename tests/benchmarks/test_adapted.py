import torch
from torch import nn

from harness.benchmarks.adapted import AdaptedLinear


def test_the_product_of_its_matrices_is_added_to_the_frozen_weight() -> None:
    layer, inputs = AdaptedLinear(nn.Linear(3, 4), rank=2, alpha=6), torch.randn(5, 3)

    merged = layer.base_layer.weight + layer.get_delta_weight("default")

    torch.testing.assert_close(layer(inputs), nn.functional.linear(inputs, merged, layer.base_layer.bias))
    assert layer.scaling == {"default": 3.0}
    assert [name for name, parameter in layer.named_parameters() if not parameter.requires_grad] == [
        "base_layer.weight",
        "base_layer.bias",
    ]

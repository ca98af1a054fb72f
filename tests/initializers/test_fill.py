import pytest
import torch
from torch import nn

from harness.initializers import (
    AbstractInitializer,
    KaimingNormal,
    LayerContext,
    Orthogonal,
    XavierUniform,
    Zeros,
    fill_linear,
)


def stream(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("initializer", [KaimingNormal(), XavierUniform(), Orthogonal(), Zeros()], ids=repr)
def test_a_layer_takes_the_values_for_its_own_fans(initializer: AbstractInitializer) -> None:
    layer = nn.Linear(7, 3)

    fill_linear(layer, initializer, generator=stream())

    assert torch.equal(layer.weight, initializer.values((3, 7), LayerContext(7, 3), stream()))


def test_a_bias_is_zero() -> None:
    layer = nn.Linear(7, 3)

    fill_linear(layer, XavierUniform(), generator=stream())

    assert not layer.bias.any()


def test_a_layer_may_have_no_bias() -> None:
    layer = nn.Linear(7, 3, bias=False)

    fill_linear(layer, XavierUniform(), generator=stream())

    assert torch.equal(layer.weight, XavierUniform().values((3, 7), LayerContext(7, 3), stream()))


def test_the_same_tensors_stay_and_still_learn() -> None:
    layer = nn.Linear(7, 3)
    weight, bias = layer.weight, layer.bias

    fill_linear(layer, XavierUniform(), generator=stream())

    assert layer.weight is weight
    assert layer.bias is bias
    assert weight.requires_grad
    assert weight.is_leaf
    assert weight.grad_fn is None


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_values_are_drawn_in_float32_and_then_cast(dtype: torch.dtype) -> None:
    layer = nn.Linear(7, 3, dtype=dtype)

    fill_linear(layer, KaimingNormal(), generator=stream())

    assert layer.weight.dtype is dtype
    assert torch.equal(layer.weight, KaimingNormal().values((3, 7), LayerContext(7, 3), stream()).to(dtype))


def test_layers_that_are_filled_one_after_the_other_differ() -> None:
    layers, generator = [nn.Linear(7, 3) for _ in range(2)], stream()

    for layer in layers:
        fill_linear(layer, XavierUniform(), generator=generator)

    assert not torch.equal(layers[0].weight, layers[1].weight)

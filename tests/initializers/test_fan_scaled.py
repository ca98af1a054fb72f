"""What each initializer's values are like, in numbers that the papers give."""

import math
from collections.abc import Callable
from itertools import product

import pytest
import torch
from torch import Tensor, nn

from harness.initializers import (
    AbstractInitializer,
    KaimingNormal,
    KaimingUniform,
    LayerContext,
    LeCunNormal,
    LeCunUniform,
    TorchDefault,
    XavierNormal,
    XavierUniform,
)

NORMAL: list[tuple[AbstractInitializer, Callable[[int, int], float]]] = [
    (KaimingNormal(), lambda fan_in, _: math.sqrt(2 / fan_in)),
    (LeCunNormal(), lambda fan_in, _: math.sqrt(1 / fan_in)),
    (XavierNormal(), lambda fan_in, fan_out: math.sqrt(2 / (fan_in + fan_out))),
]
UNIFORM: list[tuple[AbstractInitializer, Callable[[int, int], float]]] = [
    (KaimingUniform(), lambda fan_in, _: math.sqrt(2 / fan_in)),
    (LeCunUniform(), lambda fan_in, _: math.sqrt(1 / fan_in)),
    (TorchDefault(), lambda fan_in, _: math.sqrt(1 / (3 * fan_in))),
    (XavierUniform(), lambda fan_in, fan_out: math.sqrt(2 / (fan_in + fan_out))),
]
FANS = [(50, 30), (50, 50), (200, 10), (10, 200)]
SLICES = [(20000,), (5, 4000), (20000, 1), (5, 40, 10, 10)]


def drawn(init: AbstractInitializer, fan_in: int, fan_out: int, shape: tuple[int, ...] = (400, 500)) -> Tensor:
    return init.values(shape, LayerContext(fan_in, fan_out), torch.Generator().manual_seed(0))


@pytest.mark.parametrize("shape", SLICES)
def test_the_width_follows_the_fans_of_the_whole_layer_whatever_the_slice(shape: tuple[int, ...]) -> None:
    for (init, std_of), fans in product((*NORMAL, *UNIFORM), FANS):
        values, std = drawn(init, *fans, shape), std_of(*fans)

        assert float(values.std()) == pytest.approx(std, rel=0.03), (init, fans)
        assert abs(float(values.mean())) < 4 * std / math.sqrt(values.numel()), (init, fans)


def test_uniform_values_fill_their_bounds_evenly() -> None:
    for (init, std_of), fans in product(UNIFORM, FANS):
        values, bound = drawn(init, *fans), math.sqrt(3) * std_of(*fans)

        counts = values.histc(10, -bound, bound)
        assert float(values.abs().max()) == pytest.approx(bound, rel=0.01), (init, fans)
        assert float(values.abs().max()) <= bound * (1 + 1e-6), (init, fans)
        assert (counts / values.numel() - 0.1).abs().max() < 0.005, (init, fans)


def test_normal_values_have_normal_tails() -> None:
    for init, _ in NORMAL:
        values = drawn(init, 50, 50)

        beyond = [(values.abs() > width * values.std()).float().mean().item() for width in (1, 2, 3)]

        assert beyond == pytest.approx([0.3173, 0.0455, 0.0027], rel=0.1), init


@pytest.mark.parametrize(("fan_in", "fan_out"), [(200, 2000), (2000, 200), (1000, 1000)])
def test_the_mean_square_is_kept_through_a_layer_of_relu(fan_in: int, fan_out: int) -> None:
    # arXiv 1502.01852, section 2.2
    inputs = torch.randn(256, fan_in, generator=torch.Generator().manual_seed(1))
    weight = drawn(KaimingNormal(), fan_in, fan_out, (fan_out, fan_in))

    through = (inputs @ weight.T).relu()

    assert through.square().mean().item() == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("fan_in", [3, 400])
@pytest.mark.parametrize("name", ["weight", "bias"])
def test_torch_defaults_are_spread_as_those_of_a_new_linear_layer(fan_in: int, name: str) -> None:
    layer = nn.Linear(fan_in, 20_000)
    shape = tuple(getattr(layer, name).shape)

    values = drawn(TorchDefault(), fan_in, 20_000, shape)

    assert values.abs().max().item() == pytest.approx(1 / math.sqrt(fan_in), rel=1e-3)
    assert values.std().item() == pytest.approx(getattr(layer, name).std().item(), rel=0.03)

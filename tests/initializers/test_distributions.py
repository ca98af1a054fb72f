"""What each initializer's values are like, in numbers that the papers give."""

import math

import pytest
import torch
from torch import Tensor

from harness.initializers import (
    AbstractInitializer,
    KaimingNormal,
    KaimingUniform,
    LayerContext,
    TruncatedNormal,
    XavierNormal,
    XavierUniform,
)

# The variance of a standard normal cut off at two standard deviations: 1 - 4 phi(2) / (2 Phi(2) - 1).
CUT = 1 - 4 * math.exp(-2) / math.sqrt(2 * math.pi) / math.erf(math.sqrt(2))
FANS = [(50, 50), (200, 10), (10, 200)]


def drawn(initializer: AbstractInitializer, fan_in: int, fan_out: int, shape: tuple[int, ...] = (400, 500)) -> Tensor:
    return initializer.values(shape, LayerContext(fan_in, fan_out), torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("fan_in", "fan_out"), FANS)
@pytest.mark.parametrize(
    ("initializer", "gain", "both"),
    [
        (KaimingNormal(), 2, False),
        (KaimingUniform(), 2, False),
        (XavierNormal(), 2, True),
        (XavierUniform(), 2, True),
    ],
    ids=repr,
)
def test_the_variance_follows_the_fans(
    initializer: AbstractInitializer, gain: float, both: bool, fan_in: int, fan_out: int
) -> None:
    values = drawn(initializer, fan_in, fan_out)

    variance = gain / (fan_in + fan_out if both else fan_in)
    assert values.var().item() == pytest.approx(variance, rel=0.02)
    assert values.mean().item() == pytest.approx(0, abs=0.01 * math.sqrt(variance))


@pytest.mark.parametrize(("fan_in", "fan_out"), FANS)
def test_uniform_values_fill_their_bounds_evenly(fan_in: int, fan_out: int) -> None:
    for initializer, fans in ((KaimingUniform(), fan_in), (XavierUniform(), fan_in + fan_out)):
        values, bound = drawn(initializer, fan_in, fan_out), math.sqrt(6 / fans)

        counts = values.histc(10, -bound, bound)
        assert values.abs().max() <= bound
        assert counts.sum() == values.numel()
        assert (counts / values.numel() - 0.1).abs().max() < 0.005


@pytest.mark.parametrize("initializer", [KaimingNormal(), XavierNormal()], ids=repr)
def test_normal_values_have_normal_tails(initializer: AbstractInitializer) -> None:
    values = drawn(initializer, 50, 50)

    beyond = [(values.abs() > width * values.std()).float().mean().item() for width in (1, 2, 3)]

    assert beyond == pytest.approx([0.3173, 0.0455, 0.0027], rel=0.1)


@pytest.mark.parametrize("std", [0.02, 1.0])
def test_a_truncated_normal_is_cut_at_two_standard_deviations(std: float) -> None:
    values = drawn(TruncatedNormal(std=std), 50, 50)

    assert values.abs().max() <= 2 * std
    assert values.abs().max() > 1.99 * std
    assert values.var().item() == pytest.approx(CUT * std**2, rel=0.02)


def test_a_slice_has_the_variance_of_the_whole_layer() -> None:
    whole, part = (drawn(XavierNormal(), 300, 100, shape) for shape in ((100, 300), (100, 20)))

    assert part.var().item() == pytest.approx(whole.var().item(), rel=0.1)


@pytest.mark.parametrize(("fan_in", "fan_out"), [(200, 2000), (2000, 200), (1000, 1000)])
def test_the_mean_square_is_kept_through_a_layer_of_relu(fan_in: int, fan_out: int) -> None:
    # arXiv 1502.01852, section 2.2
    inputs = torch.randn(256, fan_in, generator=torch.Generator().manual_seed(1))
    weight = drawn(KaimingNormal(), fan_in, fan_out, (fan_out, fan_in))

    through = (inputs @ weight.T).relu()

    assert through.square().mean().item() == pytest.approx(1, rel=0.05)

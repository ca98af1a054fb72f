import math

import pytest
import torch

from harness.losses import Ramp, Uncertainty


@pytest.mark.parametrize(("step", "expected"), [(0, 2.0), (10, 2.0), (15, 1.0), (17, 0.6), (20, 0.0), (99, 0.0)])
def test_a_ramp_is_a_straight_line_between_two_levels(step: int, expected: float) -> None:
    assert Ramp(low=2, high=0, start=10, steps=10).at(step) == pytest.approx(expected)


def test_a_learned_weight_is_the_precision_of_the_task() -> None:
    variance = torch.tensor(math.log(4.0))

    softmax, gaussian = Uncertainty(), Uncertainty(likelihood="gaussian")

    assert softmax.at(7) * softmax.precision(variance).item() == pytest.approx(1 / 4)
    assert gaussian.at(7) * gaussian.precision(variance).item() == pytest.approx(1 / 8)


def test_the_learned_variance_of_a_squared_error_is_the_error() -> None:
    """The minimum of `exp(-s) L / 2 + s / 2` over s is at exp(s) = L."""
    weight, error = Uncertainty(likelihood="gaussian"), 3.0
    variance = torch.tensor(math.log(error), requires_grad=True)

    (slope,) = torch.autograd.grad(weight.at(0) * weight.precision(variance) * error + variance / 2, variance)

    assert slope.item() == pytest.approx(0, abs=1e-6)

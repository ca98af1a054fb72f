"""Initializers that draw from a distribution whose width is that of the whole layer."""

import math

import pytest
import torch

from harness.initializers import (
    AbstractInitializer,
    KaimingNormal,
    KaimingUniform,
    LayerContext,
    LeCunNormal,
    LeCunUniform,
    Orthogonal,
    TruncatedNormal,
    XavierNormal,
    XavierUniform,
)

FAN_IN, FAN_OUT = 50, 30
KAIMING, XAVIER, LECUN = math.sqrt(2 / FAN_IN), math.sqrt(2 / (FAN_IN + FAN_OUT)), math.sqrt(1 / FAN_IN)


@pytest.mark.parametrize(
    ("init", "std", "bound"),
    [
        (KaimingNormal(), KAIMING, math.inf),
        (KaimingUniform(), KAIMING, math.sqrt(3) * KAIMING),
        (XavierNormal(), XAVIER, math.inf),
        (XavierUniform(), XAVIER, math.sqrt(3) * XAVIER),
        (LeCunNormal(), LECUN, math.inf),
        (LeCunUniform(), LECUN, math.sqrt(3) * LECUN),
        (TruncatedNormal(std=0.1), 0.088, 0.2),
    ],
    ids=repr,
)
@pytest.mark.parametrize("shape", [(20000,), (5, 4000), (20000, 1), (5, 40, 10, 10)])
def test_their_width_is_that_of_the_whole_layer_whatever_the_slice(
    init: AbstractInitializer, std: float, bound: float, shape: tuple[int, ...]
) -> None:
    values = init.values(shape, LayerContext(FAN_IN, FAN_OUT), torch.Generator().manual_seed(0))

    assert float(values.std()) == pytest.approx(std, rel=0.03)
    assert abs(float(values.mean())) < 4 * std / math.sqrt(20000)
    assert float(values.abs().max()) <= bound


def test_a_uniform_one_reaches_its_bounds() -> None:
    values = LeCunUniform().values((20000,), LayerContext(FAN_IN, FAN_OUT), torch.Generator().manual_seed(0))

    assert float(values.abs().max()) == pytest.approx(math.sqrt(3 / FAN_IN), rel=0.01)


@pytest.mark.parametrize("shape", [(3, 7), (7, 3), (4, 2, 3, 3)])
def test_orthogonal_rows_or_columns_are_orthonormal(shape: tuple[int, ...]) -> None:
    weight = Orthogonal().values(shape, LayerContext(FAN_IN, FAN_OUT), torch.Generator().manual_seed(0)).flatten(1)

    gram = weight @ weight.T if len(weight) <= weight.shape[1] else weight.T @ weight
    torch.testing.assert_close(gram, torch.eye(len(gram)))

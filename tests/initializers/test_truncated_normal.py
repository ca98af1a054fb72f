import math

import pytest
import torch
from pydantic import ValidationError

from harness.initializers import AbstractInitializer, LayerContext, TruncatedNormal

# The variance of a standard normal cut off at two standard deviations: 1 - 4 phi(2) / (2 Phi(2) - 1).
CUT = 1 - 4 * math.exp(-2) / math.sqrt(2 * math.pi) / math.erf(math.sqrt(2))


@pytest.mark.parametrize("std", [0.02, 0.1, 1.0])
def test_it_is_cut_at_two_standard_deviations_whatever_the_layer(std: float) -> None:
    for shape, precision in (((400, 500), 0.02), ((20000,), 0.05), ((5, 40, 10, 10), 0.05)):
        values = TruncatedNormal(std=std).values(shape, LayerContext(50, 30), torch.Generator().manual_seed(0))

        assert values.abs().max() <= 2 * std, shape
        assert values.abs().max() > 1.99 * std, shape
        assert values.var().item() == pytest.approx(CUT * std**2, rel=precision), shape
        assert abs(float(values.mean())) < 4 * std / math.sqrt(values.numel()), shape


@pytest.mark.parametrize("std", [0, -1, "wide"])
def test_a_spread_is_a_positive_number(std: object) -> None:
    with pytest.raises(ValidationError, match="std"):
        TruncatedNormal.model_validate({"std": std})


def test_the_spread_survives_json() -> None:
    spec = TruncatedNormal(std=0.3)

    assert AbstractInitializer.model_validate(spec.to_json()) == spec

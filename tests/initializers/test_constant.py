import math

import pytest
import torch

from harness.core.errors import SpecError
from harness.initializers import Constant, LayerContext


def test_all_values_are_the_one_given() -> None:
    values = Constant(value=-0.25).values((2, 3), LayerContext(3, 2), torch.Generator())

    assert torch.equal(values, torch.full((2, 3), -0.25))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_value_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(SpecError):
        Constant(value=value)

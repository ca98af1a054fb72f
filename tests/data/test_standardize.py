import pytest
import torch

from harness.core.outputs import Scale
from harness.data.standardize import is_constant, scale_of

EPS = 2.0**-52


def test_numbers_have_their_mean_and_deviation() -> None:
    assert scale_of(torch.tensor([1.0, 3.0], dtype=torch.float64), EPS) == Scale(2.0, 1.0)
    assert scale_of(torch.tensor([1.0, 5.0], dtype=torch.float64), EPS) == Scale(3.0, 2.0)


@pytest.mark.parametrize("value", [0.0, 0.1, -7.3e300, 5e-324])
def test_equal_numbers_are_constant_however_their_mean_is_rounded(value: float) -> None:
    values = torch.full((1001,), value, dtype=torch.float64)

    assert scale_of(values, EPS) == Scale(value, 1.0)


def test_numbers_are_constant_up_to_the_last_digits_of_the_type_in_which_they_were_stored() -> None:
    values = torch.tensor([1.0, 1.0 + 2.0**-23], dtype=torch.float64)

    assert is_constant(values, 2.0**-23)
    assert not is_constant(values, EPS)

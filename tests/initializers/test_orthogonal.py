import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.initializers import LayerContext, Orthogonal


def drawn(shape: tuple[int, ...], seed: int = 0) -> torch.Tensor:
    return Orthogonal().values(shape, LayerContext(shape[1], shape[0]), torch.Generator().manual_seed(seed))


@given(rows=st.integers(1, 12), columns=st.integers(1, 12), seed=st.integers(0, 99))
def test_the_fewer_of_rows_and_columns_are_orthonormal(rows: int, columns: int, seed: int) -> None:
    values = drawn((rows, columns), seed)

    few = values if rows <= columns else values.T
    torch.testing.assert_close(few @ few.T, torch.eye(min(rows, columns)), atol=1e-5, rtol=0)


def test_a_convolution_is_orthogonal_as_a_matrix() -> None:
    values = drawn((4, 3, 2, 2)).flatten(1)

    torch.testing.assert_close(values @ values.T, torch.eye(4), atol=1e-5, rtol=0)


def test_neither_sign_is_preferred() -> None:
    corners = torch.stack([drawn((3, 3), seed)[0, 0] for seed in range(400)])

    assert corners.sign().mean().item() == pytest.approx(0, abs=0.2)

import pytest
import torch

from harness.core.errors import SpecError
from harness.initializers import CopyOfParent, LayerContext

OLD = torch.randn(4, 1000, generator=torch.Generator().manual_seed(0)) * torch.tensor([[1.0], [2.0], [3.0], [4.0]])


def copies(init: CopyOfParent, old: torch.Tensor, rows: int = 3) -> torch.Tensor:
    return init.values((rows, *old.shape[1:]), LayerContext(1000, 4, old=old), torch.Generator().manual_seed(1))


@pytest.mark.parametrize("parent", range(4))
def test_without_noise_every_row_is_the_parent_to_the_bit(parent: int) -> None:
    assert torch.equal(copies(CopyOfParent(parent=parent), OLD), OLD[parent].expand(3, -1))


@pytest.mark.parametrize("parent", range(4))
def test_noise_is_as_wide_as_said_relative_to_the_parent_and_differs_by_row(parent: int) -> None:
    noise = copies(CopyOfParent(parent=parent, noise=0.1), OLD) - OLD[parent]

    assert float(noise.std()) == pytest.approx(0.1 * float(OLD[parent].std()), rel=0.05)
    assert not torch.equal(noise[0], noise[1])


def test_a_bias_is_copied_as_it_is() -> None:
    assert copies(CopyOfParent(parent=2, noise=0.5), torch.tensor([1.0, 2.0, 3.0])).tolist() == [3, 3, 3]


def test_a_parent_that_is_not_there_is_refused() -> None:
    with pytest.raises(SpecError, match="expected a parent below 4, the rows there are; found 4"):
        copies(CopyOfParent(parent=4), OLD)

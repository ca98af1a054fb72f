import pytest
import torch
from torch import nn
from torch.testing import assert_close

from harness.core.errors import SpecError
from harness.initializers import Identity, LayerContext, fill


def identity(shape: tuple[int, ...], groups: int = 1) -> torch.Tensor:
    return Identity(groups=groups).values(shape, LayerContext(1, 1), torch.Generator())


@pytest.mark.parametrize("side", [1, 3, 5])
@pytest.mark.parametrize("groups", [1, 2, 6])
def test_a_convolution_gives_its_input_back(side: int, groups: int) -> None:
    layer = nn.Conv2d(6, 6, side, padding=side // 2, groups=groups, bias=False)
    fill(layer.weight, Identity(groups=groups), LayerContext(1, 1), generator=torch.Generator())
    maps = torch.randn(2, 6, 7, 9)

    assert_close(layer(maps), maps, rtol=0, atol=0)


@pytest.mark.parametrize(("rows", "inputs"), [(4, 4), (6, 4), (3, 4)])
def test_a_linear_layer_gives_as_much_of_its_input_as_it_has_rows(rows: int, inputs: int) -> None:
    assert torch.equal(identity((rows, inputs)), torch.eye(rows, inputs))


def test_a_kernel_over_time_and_one_over_space_and_time_have_middles_too() -> None:
    assert identity((2, 2, 3))[1, 1].tolist() == [0, 1, 0]
    assert identity((2, 2, 3, 3, 3))[0, 0, 1, 1, 1] == 1


@pytest.mark.parametrize(("shape", "groups"), [((4, 4, 2, 2), 1), ((4, 4, 3, 2), 1), ((4, 2, 3, 3), 3)])
def test_what_has_no_middle_or_no_equal_groups_is_refused(shape: tuple[int, ...], groups: int) -> None:
    with pytest.raises(SpecError, match=f"expected rows in {groups} equal groups and an odd kernel for 'identity'"):
        identity(shape, groups)

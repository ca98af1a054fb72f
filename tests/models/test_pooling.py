import pytest
import torch
from torch import Tensor

from harness.core.errors import SpecError
from harness.models.pooling import Pool, mask_in, pooled

SEQUENCES = torch.arange(24.0).reshape(2, 4, 3)
LEFT, RIGHT = torch.tensor([[0, 0, 1, 1], [1, 1, 1, 1]]), torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1]])


@pytest.mark.parametrize(
    ("shape", "axes"), [((4, 3), ()), ((4, 7, 3), (1,)), ((4, 3, 5, 6), (2, 3)), ((4, 3, 2, 5, 6), (2, 3, 4))]
)
def test_features_are_averaged_over_time_and_space(shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    features = torch.randn(shape, generator=torch.Generator().manual_seed(0))

    expected = features.mean(axes) if axes else features
    torch.testing.assert_close(pooled(features), expected)
    assert pooled(features).shape == (4, 3)


@pytest.mark.parametrize(
    ("layout", "axes"),
    [("BTF", (0, 1, 2)), ("TBF", (1, 0, 2)), ("BCL", (0, 2, 1)), ("FTB", (2, 1, 0))],
)
@pytest.mark.parametrize("how", ["mean", "first", "last"])
@pytest.mark.parametrize("mask", [None, LEFT, RIGHT], ids=["none", "left", "right"])
def test_rows_are_the_same_in_any_layout(layout: str, axes: tuple[int, ...], how: Pool, mask: Tensor | None) -> None:
    features = SEQUENCES.permute(axes)

    found = pooled(features, how, layout, None if mask is None else mask != 0)

    expected = pooled(SEQUENCES, how, None, None if mask is None else mask != 0)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("how", "mask", "expected"),
    [
        ("mean", RIGHT, SEQUENCES[0, :2].mean(0)),
        ("mean", LEFT, SEQUENCES[0, 2:].mean(0)),
        ("first", RIGHT, SEQUENCES[0, 0]),
        ("first", LEFT, SEQUENCES[0, 2]),
        ("last", RIGHT, SEQUENCES[0, 1]),
        ("last", LEFT, SEQUENCES[0, 3]),
        ("last", None, SEQUENCES[0, 3]),
    ],
    ids=["mean right", "mean left", "first right", "first left", "last right", "last left", "last"],
)
def test_only_real_positions_are_pooled(how: Pool, mask: Tensor | None, expected: Tensor) -> None:
    torch.testing.assert_close(pooled(SEQUENCES, how, None, None if mask is None else mask != 0)[0], expected)


def test_what_stands_at_other_positions_does_not_matter() -> None:
    features = SEQUENCES.masked_fill(RIGHT.unsqueeze(-1) == 0, torch.nan)

    assert pooled(features, mask=RIGHT != 0).isfinite().all()


def test_maps_of_any_layout_are_averaged_over_space() -> None:
    maps = torch.randn(2, 5, 4, 3, generator=torch.Generator().manual_seed(0))

    torch.testing.assert_close(pooled(maps.permute(0, 2, 3, 1), layout="BHWC"), pooled(maps))
    torch.testing.assert_close(pooled(maps, mask=RIGHT != 0), pooled(maps))


def test_a_mask_of_other_positions_is_refused() -> None:
    with pytest.raises(SpecError, match=r"expected a mask of the positions \[2, 4\] .* found one of \[2, 5\]"):
        pooled(SEQUENCES, mask=torch.ones(2, 5, dtype=torch.bool))


@pytest.mark.parametrize(
    ("name", "mask"),
    [
        ("attention_mask", RIGHT),
        ("attention_mask", RIGHT.float()),
        ("src_key_padding_mask", RIGHT == 0),
        ("src_key_padding_mask", torch.zeros(2, 4).masked_fill(RIGHT == 0, -torch.inf)),
    ],
    ids=["integers", "floats", "padding", "padding added to scores"],
)
def test_masks_are_read_as_their_names_say(name: str, mask: Tensor) -> None:
    found = mask_in({name: mask}, name)

    assert found is not None
    assert torch.equal(found, RIGHT != 0)
    assert mask_in({}, name) is mask_in({name: None}, name) is mask_in({name: mask}, None) is None

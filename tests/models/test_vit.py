import pytest
import torch
from pydantic import ValidationError

from harness.models import AbstractModel, ViT
from harness.models.taps import capture

SMALL = ViT(image=(1, 8, 12), patch=4, width=8, depth=2, heads=2)


def test_it_survives_json() -> None:
    assert AbstractModel.model_validate(SMALL.to_json()) == SMALL


@pytest.mark.parametrize(("pool", "positions"), [("mean", 6), ("token", 7)])
def test_it_reads_one_position_a_patch_and_perhaps_a_token(pool: str, positions: int) -> None:
    model = SMALL.model_copy(update={"pool": pool}).build(3)
    taps = ["patches", "blocks.0", "blocks.1", "norm", "pool"]

    with torch.no_grad(), capture(model, taps) as features:
        logits = model(torch.randn(2, 1, 8, 12))

    assert [tuple(features[tap].shape) for tap in taps] == [(2, positions, 8)] * 4 + [(2, 8)]
    assert logits.shape == (2, 3)


def test_it_sees_where_a_patch_lies() -> None:
    model, image = SMALL.build(3).eval(), torch.randn(1, 1, 8, 12)

    with torch.no_grad():
        assert not torch.allclose(model(image), model(image.flip(3)))


@pytest.mark.parametrize("pool", ["mean", "token"])
def test_all_of_it_learns(pool: str) -> None:
    model = SMALL.model_copy(update={"pool": pool}).build(3)

    model(torch.randn(2, 1, 8, 12)).square().sum().backward()

    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize(("fields", "field"), [({"patch": 5}, "patch"), ({"heads": 3}, "heads")])
def test_impossible_sizes_are_refused(fields: dict[str, int], field: str) -> None:
    with pytest.raises(ValidationError, match=f"{field}: expected"):
        ViT.model_validate(SMALL.to_json() | fields)

import pytest
import torch
from torch import nn

from harness.models.eval_mode import without_side_effects


def test_modes_statistics_and_streams_are_as_they_were() -> None:
    model = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout(0.5))
    model[1].eval()
    inputs = torch.randn(3, 2)
    stream = torch.get_rng_state()

    with without_side_effects(model, inputs):
        outputs = model(inputs)
        torch.randn(7)

    assert (model.training, model[0].training, model[1].training) == (True, True, False)
    assert not model.get_buffer("0.running_mean").any()
    assert torch.equal(torch.get_rng_state(), stream)
    assert not outputs.requires_grad


def test_they_are_so_after_an_error_too() -> None:
    model = nn.Sequential(nn.Dropout(0.5))

    with pytest.raises(RuntimeError, match="lost"), without_side_effects(model, torch.zeros(1)):
        raise RuntimeError("lost")

    assert model[0].training

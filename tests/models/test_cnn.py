import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from harness.models import AbstractModel, ConvNet
from harness.models.taps import capture, feature_shape

SIDES = st.integers(1, 33)
SPECS = st.builds(
    ConvNet,
    image=st.tuples(st.integers(1, 3), SIDES, SIDES),
    channels=st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple),
    hidden=st.integers(1, 9),
    dropout=st.sampled_from([0.0, 0.5]),
)


@given(spec=SPECS)
def test_it_survives_json(spec: ConvNet) -> None:
    assert AbstractModel.model_validate(spec.to_json()) == spec


@given(spec=SPECS, outputs=st.integers(1, 5))
def test_every_block_halves_the_image_whatever_its_size(spec: ConvNet, outputs: int) -> None:
    model, example = spec.build(outputs), torch.zeros(2, *spec.image)
    _, height, width = spec.image

    for block, channels in enumerate(spec.channels):
        height, width = math.ceil(height / 2), math.ceil(width / 2)
        assert feature_shape(model, f"blocks.{block}", example) == (2, channels, height, width)
    assert feature_shape(model, "hidden", example) == (2, spec.hidden)
    assert feature_shape(model, "output", example) == (2, outputs)


@given(spec=SPECS, outputs=st.integers(1, 5))
def test_all_of_it_learns(spec: ConvNet, outputs: int) -> None:
    model = spec.build(outputs).eval()

    model(torch.ones(2, *spec.image)).sum().backward()

    assert all(parameter.grad is not None for parameter in model.parameters())


def test_a_block_is_a_convolution_without_bias_a_norm_and_a_relu() -> None:
    model = ConvNet(image=(1, 8, 8), channels=(4,)).build(2)

    kinds = [type(module) for module in model.get_submodule("blocks.0").children()]

    assert kinds == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU]
    assert "blocks.0.conv.bias" not in dict(model.named_parameters())


def test_features_are_never_negative() -> None:
    model = ConvNet(image=(1, 8, 8), channels=(4, 6), hidden=7).build(2)

    with capture(model, ["blocks.0", "blocks.1", "hidden"]) as features:
        model(torch.randn(3, 1, 8, 8))

    assert len(features) == 3
    assert all((values >= 0).all() and (values > 0).any() for values in features.values())


def test_dropout_acts_on_the_hidden_layer_in_training_only() -> None:
    model, images = ConvNet(image=(1, 8, 8), channels=(4,), hidden=50, dropout=0.5).build(2), torch.randn(3, 1, 8, 8)

    with torch.random.fork_rng():
        trained = [model(images) for _ in range(2)]
    model.eval()

    assert isinstance(model.get_submodule("hidden.dropout"), nn.Dropout)
    assert not torch.equal(*trained)
    assert torch.equal(model(images), model(images))


@pytest.mark.parametrize(
    "fields",
    [{"channels": ()}, {"channels": (0,)}, {"image": (1, 0, 8)}, {"image": (8, 8)}, {"hidden": 0}, {"dropout": 1}],
)
def test_impossible_sizes_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(fields))):
        ConvNet.model_validate({"image": (1, 8, 8), "channels": (4,)} | fields)

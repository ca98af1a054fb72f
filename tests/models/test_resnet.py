from typing import Literal

import pytest
import torch
from torch import nn

from harness.core.errors import SpecError
from harness.growth import AbstractOperation, AttachHead, DuplicateLayers, InsertLayer, Probe, WidenLayer, grow
from harness.growth.layers import ConvBlock
from harness.models import AbstractModel, GrowableModel, ResNet
from harness.models.taps import capture


def test_it_survives_json() -> None:
    spec = ResNet(depth=34, norm="group", groups=4)

    assert AbstractModel.model_validate(spec.to_json()) == spec


@pytest.mark.parametrize(
    ("depth", "millions"),
    [(20, 0.27), (18, 11.17), (34, 21.28)],  # as published, for ten classes of colored images
)
def test_parameters_are_as_many_as_published(depth: Literal[18, 20, 34], millions: float) -> None:
    with torch.device("meta"):
        model = ResNet(depth=depth).build(10)

    assert round(sum(parameter.numel() for parameter in model.parameters()) / 1e6, 2) == millions


@pytest.mark.parametrize("depth", [20, 18])
def test_layers_are_as_many_as_its_depth(depth: Literal[18, 20]) -> None:
    with torch.device("meta"):
        model = ResNet(depth=depth).build(10)
    layers = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear) and "shortcut" not in name
    ]

    assert len(layers) == depth


@pytest.mark.parametrize("norm", ["batch", "group"])
def test_each_stage_after_the_first_halves_the_image(norm: Literal["batch", "group"]) -> None:
    model = ResNet(norm=norm, planes=1).build(4)
    taps = ["stem", "stages.0", "stages.1", "stages.2", "pool"]

    with torch.no_grad(), capture(model, taps) as features:
        logits = model(torch.randn(2, 1, 9, 12))

    shapes = [tuple(features[tap].shape) for tap in taps]
    assert shapes == [(2, 16, 9, 12), (2, 16, 9, 12), (2, 32, 5, 6), (2, 64, 3, 3), (2, 64)]
    assert logits.shape == (2, 4)


def test_a_shortcut_of_the_small_network_has_no_parameters_and_fills_up_with_zeros() -> None:
    model = ResNet().build(2)
    maps = torch.randn(1, 16, 4, 4)

    with torch.no_grad():
        passed = model.get_submodule("stages.1.0.shortcut")(maps)

    assert not [name for name, _ in model.named_parameters() if "shortcut" in name]
    assert torch.equal(passed[:, :16], maps[:, :, ::2, ::2])
    assert not passed[:, 16:].any()
    assert passed.shape == (1, 32, 2, 2)


def test_with_group_norm_no_example_depends_on_another() -> None:
    model, images = ResNet(norm="group").build(3).train(), torch.randn(3, 3, 8, 8)

    with torch.no_grad():
        torch.testing.assert_close(model(images)[:1], model(images[:1]))
    assert not list(model.buffers())


def test_groups_that_do_not_divide_the_channels_are_refused() -> None:
    with pytest.raises(SpecError, match="expected a divisor of 16 channels, found 5"):
        ResNet(norm="group", groups=5)


GROWTHS: dict[str, AbstractOperation] = {
    "a head": AttachHead(name="late", outputs=2, tap="stages.1"),
    "more channels": WidenLayer(path="stages.0.0.branch.conv1", by=4),
    "another layer": InsertLayer(after="stages.1.2", layer=ConvBlock(width=4)),
    "another block": DuplicateLayers(path="stages.2", layers=(2,), zeroed=("branch.norm2",)),
}


@pytest.mark.parametrize("operation", GROWTHS.values(), ids=list(GROWTHS))
@pytest.mark.parametrize("norm", ["batch", "group"])
def test_it_grows_and_computes_the_same_at_first(norm: Literal["batch", "group"], operation: AbstractOperation) -> None:
    model, images = GrowableModel(ResNet(norm=norm).build(3), "known").eval(), torch.randn(2, 3, 8, 8)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with torch.no_grad():
        before = model(images)["known"]

    grow(model, optimizer, operation, probe=Probe(images))

    with torch.no_grad():
        torch.testing.assert_close(model.eval()(images)["known"], before)

import pytest
import torch
from torch import Tensor

from harness.core.errors import SpecError
from harness.growth import Probe, Promise, grow
from harness.growth.layers import LinearLayer
from harness.growth.operations import AbstractOperation, InsertLayer, SwitchLayer
from harness.models import GrowableModel

INSERTION = InsertLayer(after="hidden", layer=LinearLayer(), function="random", flag="extra", on=False)


def test_a_layer_that_is_off_changes_and_learns_nothing_until_it_is_on(
    conv_model: GrowableModel, images: Tensor
) -> None:
    conv_model.eval()
    outputs, optimizer = conv_model(images)["known"], torch.optim.AdamW(conv_model.parameters(), lr=0.1)

    grown = grow(conv_model, optimizer, INSERTION, probe=Probe(images))
    before = [parameter.detach().clone() for parameter in grown.growth.born]
    off = conv_model(images)["known"]
    off.sum().backward()
    optimizer.step()

    assert INSERTION.promise() is Promise.EXACT
    assert torch.equal(off, outputs)
    assert all(torch.equal(new, old) for new, old in zip(grown.growth.born, before, strict=True))
    outputs = conv_model(images)["known"]
    grow(conv_model, optimizer, SwitchLayer(flag="extra", on=True), probe=Probe(images), number=2)
    assert not torch.equal(conv_model(images)["known"], outputs)
    conv_model(images)["known"].sum().backward()
    assert all(parameter.grad is not None for parameter in grown.growth.born)


def test_switching_something_unknown_is_refused(conv_model: GrowableModel) -> None:
    with pytest.raises(SpecError, match="no inserted layer has the flag 'extra'"):
        SwitchLayer(flag="extra", on=True).apply(conv_model, probe=None, generator=torch.Generator())


def test_it_survives_json() -> None:
    operation = SwitchLayer(flag="extra", on=True)

    assert AbstractOperation.model_validate(operation.to_json()) == operation

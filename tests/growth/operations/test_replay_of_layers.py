"""Networks with inserted and widened layers are rebuilt from their lineage."""

import copy

import torch
from torch import Tensor

from harness.growth import AttachHead, GrowthEvent, NoFreezing, Probe, grow
from harness.growth.identities import Identities
from harness.growth.layers import ConvBlock, LinearLayer, NormLayer
from harness.growth.lineage import Change, replay
from harness.growth.operations import AbstractOperation, InsertLayer, SwitchLayer, WidenLayer
from harness.growth.units import PairedUnits
from harness.models import GrowableModel

OPERATIONS: list[AbstractOperation] = [
    AttachHead(name="late", outputs=2, tap="blocks.1", width=3),
    InsertLayer(after="blocks.0", layer=ConvBlock(width=3)),
    WidenLayer(path="blocks.0.inserted.layer.hidden", by=2),
    InsertLayer(after="hidden.linear", layer=LinearLayer(), function="random", flag="extra", on=False),
    WidenLayer(path="blocks.1.conv", to=8, method=PairedUnits()),
    SwitchLayer(flag="extra", on=True),
    InsertLayer(after="blocks.1.conv", layer=NormLayer(), function="identity"),
]


def test_shape_ids_and_outputs_come_back(conv_model: GrowableModel, images: Tensor) -> None:
    fresh, identities, lineage = copy.deepcopy(conv_model), Identities(conv_model), []
    optimizer, probe = torch.optim.AdamW(conv_model.parameters()), Probe(images)
    for number, operation in enumerate(OPERATIONS, start=1):
        grown = grow(conv_model, optimizer, operation, probe=probe, number=number)
        identities = grown.identities
        lineage.append(GrowthEvent(step=number, change=Change(operation=operation, freeze=NoFreezing())))
        torch.stack([output.square().mean() for output in conv_model(images).values()]).sum().backward()
        optimizer.step()

    stored = {name: tensor.detach().clone() for name, tensor in identities.tensors().items()}
    events = tuple(GrowthEvent.model_validate(event.to_json()) for event in lineage)
    restored, *_ = replay(fresh, events, probe=lambda _: probe)
    with torch.no_grad():
        for name, tensor in restored.tensors().items():
            tensor.copy_(stored.pop(name))

    assert stored == {}
    outputs, expected = fresh.eval()(images), conv_model.eval()(images)
    assert outputs.keys() == expected.keys()
    assert all(torch.equal(outputs[name], value) for name, value in expected.items())

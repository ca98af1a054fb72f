import torch
from torch import nn

from harness.growth import AttachHead, InsertLayer, Probe, grow
from harness.growth.layers import MLPBlock
from harness.growth.plain_forward import plain_forward
from harness.models import GrowableModel

INPUTS = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))


def prepared() -> GrowableModel:
    """Return a model as Accelerate prepares it for mixed precision."""
    model = GrowableModel(nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3)), "known")
    vars(model)["_original_forward"] = model.forward
    vars(model)["forward"] = torch.autocast("cpu", dtype=torch.bfloat16)(model.forward)
    return model


def test_a_model_is_called_in_the_precision_of_its_weights_within() -> None:
    model = prepared()

    with plain_forward(model):
        within = model(INPUTS)["known"].dtype

    assert within == torch.float32
    assert model(INPUTS)["known"].dtype == torch.bfloat16


def test_new_layers_have_the_type_of_the_weights() -> None:
    model = prepared()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    grow(model, optimizer, InsertLayer(after="1", layer=MLPBlock(width=4)), probe=Probe(INPUTS))
    grow(model, optimizer, AttachHead(name="late", outputs=2, tap="1"), probe=Probe(INPUTS))

    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert model(INPUTS)["late"].dtype == torch.bfloat16

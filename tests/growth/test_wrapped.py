"""Growth of models that something else holds on to: compiled, averaged, scaled."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from harness.core.errors import SurgeryError, TapNotFoundError
from harness.growth import AttachHead, Probe, WidenHead, grow
from harness.models import GrowableModel

# The compiler looks at .grad of what a hook sees, and warns of it itself.
PROBING = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")

HEAD = AttachHead(name="late", outputs=2, tap="hidden", width=3)


def compile_model(model: nn.Module) -> nn.Module:
    compiled = torch.compile(model, backend="aot_eager")
    assert isinstance(compiled, nn.Module)
    return compiled


@pytest.mark.campaign
@PROBING
def test_a_compiled_model_grows_and_computes_what_the_plain_one_does(
    conv_model: GrowableModel, images: torch.Tensor
) -> None:
    conv_model.eval()
    compiled = compile_model(conv_model)
    compiled(images)
    optimizer = torch.optim.SGD(compiled.parameters(), lr=0.1)

    grow(compiled, optimizer, HEAD, probe=Probe(images))

    torch.testing.assert_close(compiled(images)["late"], conv_model(images)["late"])
    assert "late" in compiled(images)
    assert not any("_orig_mod" in name for name in conv_model.state_dict())


@PROBING
def test_a_compiled_model_is_trained_after_it_has_grown(conv_model: GrowableModel, images: torch.Tensor) -> None:
    compiled = compile_model(conv_model)
    optimizer = torch.optim.SGD(compiled.parameters(), lr=0.1)
    compiled(images)["known"].sum().backward()
    grow(compiled, optimizer, HEAD, probe=Probe(images))
    before = conv_model.get_parameter("heads.late.output.weight").clone()

    compiled(images)["late"].square().sum().backward()
    optimizer.step()

    assert not torch.equal(conv_model.get_parameter("heads.late.output.weight"), before)


@pytest.mark.campaign
def test_a_model_that_grows_often_is_compiled_every_time() -> None:
    compiled = torch.compile(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)), backend="eager")
    assert isinstance(compiled, nn.Module)
    optimizer = torch.optim.SGD(compiled.parameters(), lr=0.1)

    limits: Any = torch._dynamo.config  # monkeypatch would leave its values hidden
    with limits.patch(recompile_limit=3, fail_on_recompile_limit_hit=True):
        for number in range(1, 9):
            compiled(torch.ones(5, 4))
            grow(compiled, optimizer, WidenHead(path="2", to=2 + number), number=number)

    assert compiled(torch.ones(5, 4)).shape == (5, 10)


def test_an_average_grows_with_the_model(conv_model: GrowableModel, images: torch.Tensor) -> None:
    average = AveragedModel(conv_model)
    optimizer = torch.optim.SGD(conv_model.parameters(), lr=0.1)
    with torch.no_grad():
        next(conv_model.parameters()).add_(1)
    old = {name: tensor.clone() for name, tensor in average.module.state_dict().items()}

    grow(conv_model, optimizer, HEAD, probe=Probe(images), average=average)
    grown = {name: tensor.clone() for name, tensor in average.module.state_dict().items()}
    average.update_parameters(conv_model)

    new = grown.keys() - old.keys()
    assert new == {name for name in conv_model.state_dict() if name.startswith("heads.late")}
    assert all(torch.equal(grown[name], conv_model.state_dict()[name]) for name in new)
    assert all(torch.equal(grown[name], old[name]) for name in old)


def test_an_average_goes_on_beside_a_model_that_keeps_a_teacher(
    conv_model: GrowableModel, images: torch.Tensor
) -> None:
    average, optimizer = AveragedModel(conv_model), torch.optim.SGD(conv_model.parameters(), lr=0.1)
    average.update_parameters(conv_model)

    grow(conv_model, optimizer, HEAD, probe=Probe(images), average=average, keep_teacher=True)
    average.update_parameters(conv_model)

    assert average.module.state_dict().keys() == conv_model.state_dict().keys()


def test_an_average_that_cannot_grow_along_is_refused(conv_model: GrowableModel, images: torch.Tensor) -> None:
    average = AveragedModel(GrowableModel(nn.Sequential(nn.Flatten(), nn.Linear(images[0].numel(), 2)), "known"))
    optimizer = torch.optim.SGD(conv_model.parameters(), lr=0.1)
    before = [list(model.state_dict()) for model in (conv_model, average)]

    with pytest.raises(TapNotFoundError, match="no tap 'hidden'"):
        grow(conv_model, optimizer, HEAD, probe=Probe(images), average=average)

    assert [list(model.state_dict()) for model in (conv_model, average)] == before
    assert len(optimizer.param_groups) == 1


def test_a_loss_scaler_keeps_its_scale(conv_model: GrowableModel, images: torch.Tensor) -> None:
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**9)
    optimizer = torch.optim.SGD(conv_model.parameters(), lr=0.1)

    for _ in range(2):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.float16):
            loss = torch.stack([output.float().square().mean() for output in conv_model(images).values()]).sum()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        if "late" not in conv_model.heads:
            grow(conv_model, optimizer, HEAD, probe=Probe(images))

    assert scaler.get_scale() == 2.0**9


def test_growth_inside_autocast_is_refused(conv_model: GrowableModel, images: torch.Tensor) -> None:
    optimizer = torch.optim.SGD(conv_model.parameters(), lr=0.1)

    with torch.autocast("cpu", dtype=torch.bfloat16), pytest.raises(SurgeryError, match="outside autocast"):
        grow(conv_model, optimizer, HEAD, probe=Probe(images))

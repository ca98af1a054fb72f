import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.core.errors import InputError, ModulePathError
from harness.growth import (
    AbstractOperation,
    AddAdapter,
    AddBranch,
    AlignRows,
    AnswerByCosines,
    AttachHead,
    Probe,
    PruneUnits,
    ReplaceHead,
    WidenHead,
    WidenLayer,
    consolidate,
    grow,
    load_grown,
    save_grown,
)
from harness.growth.units import CopiedUnits
from harness.models import GrowableModel
from harness.models.cosine import CosineLinear

INPUTS = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 4))


def apply(operation: AbstractOperation, model: nn.Module) -> None:
    operation.apply(model, probe=Probe(INPUTS), generator=torch.Generator().manual_seed(5))


def cosines(model: nn.Module, weight: Tensor) -> Tensor:
    features = torch.relu(model.get_submodule("0")(INPUTS))
    return functional.normalize(features, dim=1) @ functional.normalize(weight, dim=1).T


def test_outputs_are_scaled_cosines_with_the_rows() -> None:
    model = network()
    rows = model.get_parameter("2.weight").detach()

    apply(AnswerByCosines(path="2", scale=5.0), model)

    torch.testing.assert_close(model(INPUTS), 5 * cosines(model, rows))
    assert [name for name, _ in model.named_parameters()] == ["0.weight", "0.bias", "2.scale", "2.cosines.weight"]


@pytest.mark.parametrize("rows", ["own", "in_place"])
def test_it_is_widened_trained_made_plain_and_loaded_like_any_other(rows: str, tmp_path: Path) -> None:
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    grow(model, optimizer, AnswerByCosines(path="2"))
    fresh, before = network(), model(INPUTS).detach()

    grow(model, optimizer, WidenHead.model_validate({"path": "2.cosines", "to": 6, "rows": rows}))

    torch.testing.assert_close(model(INPUTS)[:, :4], before)
    functional.cross_entropy(model(INPUTS), torch.arange(6)).backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in model.parameters())
    optimizer.step()
    expected = model(INPUTS).detach()
    torch.testing.assert_close(expected, model.get_parameter("2.scale") * cosines(model, rows_of(model)))
    save_grown(tmp_path, model)
    load_grown(tmp_path, fresh)
    assert torch.equal(fresh(INPUTS), expected)
    consolidate(model, optimizer)
    assert type(model.get_submodule("2.cosines")) is CosineLinear
    torch.testing.assert_close(model(INPUTS), expected)


def rows_of(model: nn.Module) -> Tensor:
    weight = model.get_submodule("2.cosines").weight
    assert isinstance(weight, Tensor)
    return weight.detach()


def test_a_head_answers_by_cosines_and_is_replaced_by_one() -> None:
    model = GrowableModel(network(), "known")
    apply(AttachHead(name="late", outputs=2, tap="0"), model)
    weight = model.get_parameter("heads.late.output.weight").detach()

    apply(AnswerByCosines(path="heads.late.output", scale=1.0), model)

    features = functional.normalize(model.get_submodule("backbone.0")(INPUTS), dim=1)
    torch.testing.assert_close(model(INPUTS)["late"], features @ functional.normalize(weight, dim=1).T)
    apply(ReplaceHead(path="heads.late.output.cosines", to=3), model)
    assert type(model.get_submodule("heads.late.output.cosines")) is CosineLinear
    assert model(INPUTS)["late"].shape == (6, 3)


@pytest.mark.parametrize(
    "operation",
    [
        AnswerByCosines(path="2.cosines"),
        AlignRows(path="2.cosines", first=2),
        AddAdapter(layers=("2.cosines",), rank=1),
        AddBranch(name="second", readers=("2.cosines",)),
        WidenLayer(path="0", by=1, method=CopiedUnits()),
        PruneUnits(path="0", by=1),
    ],
    ids=lambda operation: str(operation.kind),
)
def test_what_would_change_cosines_otherwise_than_it_promises_is_refused(operation: AbstractOperation) -> None:
    model = network()
    apply(AnswerByCosines(path="2"), model)
    before = copy.deepcopy(model.state_dict())

    with pytest.raises(InputError):
        apply(operation, model)

    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_layer_that_is_no_linear_one_is_refused() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3))

    with pytest.raises(ModulePathError, match=r"expected nn\.Linear at '0', found Conv2d; name another output layer"):
        AnswerByCosines(path="0").apply(model, probe=None, generator=torch.Generator())

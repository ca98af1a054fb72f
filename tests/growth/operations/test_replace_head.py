import copy

import pytest
import torch
from torch import Tensor, nn

from harness.core.errors import SpecError
from harness.growth import Change, NoFreezing, OldParameters, Probe, grow
from harness.growth.operations import ReplaceHead, WidenHead
from harness.growth.record import Growth
from harness.models import GrowableModel
from harness.models.widened import Widened
from harness.staging.snapshot import read_snapshot, write_snapshot
from harness.training.optimizers import SGD, AbstractOptimizer, AdamW
from harness.training.state import fresh_state

OPTIMIZERS = [SGD(lr=0.05, momentum=0.9), AdamW(lr=0.01)]


def mlp(*, bias: bool = True, dtype: torch.dtype = torch.float32) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 1000, bias=bias)).to(dtype)


def apply(model: nn.Module, operation: ReplaceHead) -> Growth:
    return operation.apply(model, probe=None, generator=torch.Generator().manual_seed(0))


CLASS_MAP = {0: 999, 3: 17, 19: 4}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("bias", [True, False])
def test_mapped_classes_are_taken_over(bias: bool, dtype: torch.dtype) -> None:
    model, inputs = mlp(bias=bias, dtype=dtype), torch.randn(5, 3, dtype=dtype)
    before = model(inputs)

    growth = apply(model, ReplaceHead(path="2", to=20, rows_from=CLASS_MAP))

    after = model(inputs)
    assert after.shape == (5, 20)
    torch.testing.assert_close(after[:, list(CLASS_MAP)], before[:, list(CLASS_MAP.values())])
    assert growth.columns == {"2": tuple(CLASS_MAP.get(column) for column in range(20))}
    assert after.dtype == dtype


def test_no_two_rows_are_the_same() -> None:
    model = mlp()

    apply(model, ReplaceHead(path="2", to=20, rows_from=CLASS_MAP))

    assert len(model.get_parameter("2.weight").unique(dim=0)) == 20


def test_a_widened_layer_is_replaced_by_a_plain_one() -> None:
    model, inputs = mlp(), torch.randn(5, 3)
    WidenHead(path="2", to=1002).apply(model, probe=None, generator=torch.Generator())
    before = model(inputs)

    apply(model, ReplaceHead(path="2", to=2, rows_from={0: 1001, 1: 0}))

    assert not isinstance(model.get_submodule("2"), Widened)
    torch.testing.assert_close(model(inputs), before[:, [1001, 0]])


def test_all_rows_can_come_from_old_ones() -> None:
    model, inputs = mlp(), torch.randn(5, 3)
    before = model(inputs)

    apply(model, ReplaceHead(path="2", to=2, rows_from={0: 5, 1: 5}))

    torch.testing.assert_close(model(inputs), before[:, [5, 5]])


def test_a_map_survives_json() -> None:
    operation = ReplaceHead(path="2", to=20, rows_from=CLASS_MAP)

    assert ReplaceHead.model_validate_json(operation.model_dump_json()) == operation


def test_a_map_to_rows_that_will_not_be_is_refused() -> None:
    with pytest.raises(SpecError, match="expected new rows below to=3 in rows_from, found 3"):
        ReplaceHead(path="2", to=3, rows_from={3: 0})


def test_a_map_from_rows_that_are_not_there_is_refused() -> None:
    with pytest.raises(SpecError, match="expected old rows below 1000 of '2' in rows_from, found 1000"):
        apply(mlp(), ReplaceHead(path="2", to=3, rows_from={0: 1000}))


@pytest.mark.parametrize("spec", OPTIMIZERS, ids=repr)
def test_a_replaced_head_is_new_to_the_optimizer_and_to_freezing(spec: AbstractOptimizer) -> None:
    model, inputs = mlp(), torch.randn(5, 3)
    optimizer = spec.start(model.parameters())
    model(inputs).square().mean().backward()
    optimizer.step()
    body = {key: torch.as_tensor(v).clone() for key, v in optimizer.state[model.get_parameter("0.weight")].items()}

    grown = grow(model, optimizer, ReplaceHead(path="2", to=20, rows_from=CLASS_MAP), freeze_policy=OldParameters())

    head = model.get_parameter("2.weight")
    assert head not in optimizer.state
    assert (head.requires_grad, model.get_parameter("0.weight").requires_grad) == (True, False)
    assert len(grown.growth.gone) == 2
    kept = optimizer.state[model.get_parameter("0.weight")]
    assert all(torch.equal(torch.as_tensor(kept[key]), value) for key, value in body.items())
    before = head.clone()
    model(inputs).square().mean().backward()
    optimizer.step()
    assert not torch.equal(head, before)


def test_a_teacher_computes_what_the_network_did(conv_model: GrowableModel, images: Tensor) -> None:
    conv_model.eval()
    before = conv_model(images)["known"]
    conv_model.train()

    apply(conv_model, ReplaceHead(path="output", to=2, keep_teacher=True))

    teacher = conv_model.teacher
    assert callable(teacher)
    assert torch.equal(teacher(images)["known"], before)


def test_distillation_teaches_the_student_and_not_the_teacher(conv_model: GrowableModel, images: Tensor) -> None:
    optimizer = AdamW(lr=0.1).start(conv_model.parameters())
    grow(conv_model, optimizer, ReplaceHead(path="output", to=3, keep_teacher=True))
    teacher = conv_model.teacher
    assert callable(teacher)
    before = teacher(images)["known"]

    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = (conv_model.train()(images)["known"] - teacher(images)["known"]).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    assert torch.equal(teacher(images)["known"], before)
    assert losses[-1] < losses[0] / 2


def test_hooks_hear_the_new_layer() -> None:
    model, heard = mlp(), []
    model.get_submodule("2").register_forward_hook(lambda _module, _inputs, output: heard.append(output.shape))

    apply(model, ReplaceHead(path="2", to=20))
    model(torch.randn(5, 3))

    assert heard == [(5, 20)]


def test_a_network_without_a_teacher_has_none() -> None:
    model = mlp()
    twin = copy.deepcopy(model)

    apply(model, ReplaceHead(path="2", to=20))

    assert list(model.state_dict()) == list(twin.state_dict())
    assert not hasattr(model, "teacher")


def test_a_snapshot_brings_a_teacher_back_as_it_was(conv_model: GrowableModel, images: Tensor) -> None:
    fresh, spec = copy.deepcopy(conv_model), AdamW(lr=0.1)
    state = fresh_state(conv_model, spec, seed=3, precision="fp32")
    for _ in range(2):
        state.optimizer.zero_grad()
        conv_model(images)["known"].square().mean().backward()
        state.optimizer.step()
    operation = ReplaceHead(path="output", to=2, rows_from={0: 1}, keep_teacher=True)
    state.grow(Change(operation=operation, freeze=NoFreezing()), probe=Probe(images))

    stored = write_snapshot(state)
    restored = read_snapshot(stored, fresh, spec, probe=lambda _: Probe(images), seed=3, precision="fp32")

    assert callable(conv_model.teacher)
    assert callable(restored.model.teacher)
    assert torch.equal(restored.model.teacher(images)["known"], conv_model.teacher(images)["known"])
    assert torch.equal(restored.model.eval()(images)["known"], conv_model.eval()(images)["known"])

import copy
from typing import Literal

import pytest
import torch
from torch import nn
from torch.nn import functional

from harness.core.label_map import LabelMap
from harness.core.output_specs import OutputSpecs
from harness.data import Split, TaskData
from harness.growth import AttachHead, NoFreezing, Probe
from harness.growth.lineage import Change
from harness.losses import JointCrossEntropy, Uncertainty
from harness.models import GrowableModel
from harness.training.config import TrainingConfig
from harness.training.optimizers import SGD, AbstractOptimizer, AdamW
from harness.training.precision import Precision, grad_scaler
from harness.training.schedules import Cosine
from harness.training.state import TrainState, fresh_state
from harness.training.step import WATCHED_STEPS, TrainingStep, train_step

LABELS = OutputSpecs(LabelMap.of({"known": (0, 1, 2)}))


def known(data: TaskData) -> Split:
    return data.train.take(LABELS.label_map.known(data.train.labels).nonzero().squeeze(1))


def test_a_step_is_that_of_a_plain_loop(data: TaskData) -> None:
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    state = fresh_state(GrowableModel(plain, "known"), SGD(lr=0.05, momentum=0.9), seed=0, precision="fp32")
    twin = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    twin.load_state_dict(plain.state_dict())
    optimizer, batch = torch.optim.SGD(twin.parameters(), lr=0.05, momentum=0.9), known(data)

    for _ in range(3):
        train_step(state, batch, TrainingConfig(), LABELS)
        optimizer.zero_grad()
        functional.cross_entropy(twin(batch.inputs), batch.labels).backward()
        optimizer.step()

    torch.testing.assert_close(plain[1].weight, twin[1].weight)
    assert state.step == 3


def test_dropout_is_drawn_from_the_stream_of_the_step(state: TrainState, data: TaskData) -> None:
    batch = known(data)
    state.model.train()
    before = {name: tensor.clone() for name, tensor in state.model.state_dict().items()}

    first = train_step(state, batch, TrainingConfig(), LABELS)["loss/total"]
    state.model.load_state_dict(before)
    torch.randn(11)
    state.step = 0
    again = train_step(state, batch, TrainingConfig(), LABELS)["loss/total"]
    state.model.load_state_dict(before)
    other = train_step(state, batch, TrainingConfig(), LABELS)["loss/total"]

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_gradients_are_clipped_after_they_are_unscaled(data: TaskData) -> None:
    model = GrowableModel(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), "known")
    state = fresh_state(model, SGD(lr=1.0, momentum=0), seed=0, precision="fp16")
    before = [parameter.clone() for parameter in model.parameters()]

    measured = train_step(state, known(data), TrainingConfig(clip_norm=0.01), LABELS)

    moved = torch.cat([(a - b).flatten() for a, b in zip(model.parameters(), before, strict=True)])
    assert measured["grad_norm"] > 0.01
    assert moved.norm().item() == pytest.approx(0.01, rel=1e-3)


def test_a_step_with_a_gradient_that_is_not_finite_is_skipped_and_counted(data: TaskData) -> None:
    model = GrowableModel(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), "known")
    state = fresh_state(model, AdamW(), seed=0, precision="fp16")
    batch = known(data)
    before = [parameter.clone() for parameter in model.parameters()]

    skipped = train_step(state, Split(batch.inputs * 50, batch.labels), TrainingConfig(), LABELS)
    kept = [torch.equal(a, b) for a, b in zip(model.parameters(), before, strict=True)]
    done = train_step(state, batch, TrainingConfig(), LABELS)

    assert (skipped["skipped_steps"].item(), done["skipped_steps"].item()) == (1, 0)
    assert skipped["loss_scale"] == 2 * done["loss_scale"] > 0
    assert all(kept)
    assert not torch.equal(next(model.parameters()), before[0])


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_every_precision_learns(precision: Precision, conv_model: GrowableModel, data: TaskData) -> None:
    state = fresh_state(conv_model, AdamW(lr=0.01), seed=0, precision=precision)
    state.set_train_mode()

    losses = [train_step(state, known(data), TrainingConfig(), LABELS)["loss/total"].item() for _ in range(40)]

    assert losses[-1] < 0.5 * losses[0]


def test_every_component_is_measured_weighted_and_not(state: TrainState, data: TaskData) -> None:
    state.loss_weights = {"known": 0.5}

    measured = train_step(state, known(data), TrainingConfig(), LABELS)

    assert measured["loss_weighted/known"] == 0.5 * measured["loss/known"]
    assert measured["loss/total"] == measured["loss_weighted/known"]


@pytest.mark.parametrize(("optimizer", "expected"), [(AdamW(lr=0.01, weight_decay=0), 1.0), (SGD(lr=0.01), None)])
def test_new_parameters_start_at_the_rate_that_was_asked_for(
    optimizer: AbstractOptimizer, expected: float | None, conv_model: GrowableModel, data: TaskData
) -> None:
    state = fresh_state(conv_model, optimizer, seed=0, precision="fp32")
    for _ in range(5):
        train_step(state, known(data), TrainingConfig(), LABELS)
    change = Change(operation=AttachHead(name="late", outputs=2, tap="blocks.0"), freeze=NoFreezing(), lr_factor=3)
    state.grow(change, probe=Probe(data.validation.inputs[:2]))
    both = OutputSpecs(LabelMap.of({"known": (0, 1, 2), "late": (3, 4)}))

    measured = [train_step(state, data.train, TrainingConfig(), both) for _ in range(WATCHED_STEPS + 1)]

    if expected is not None:  # Adam's first step is the learning rate, whatever the gradient
        assert measured[0]["update_over_lr/group_1"].item() == pytest.approx(expected, rel=1e-3)
        assert measured[0]["update_over_lr/group_0"].item() < expected
    assert state.optimizer.param_groups[1]["lr"] == pytest.approx(0.03)
    assert measured[0]["grad_norm/group_1"] > 0
    assert "grad_norm/group_1" not in measured[WATCHED_STEPS]


def test_a_group_follows_the_schedule_from_its_own_birth(state: TrainState, data: TaskData) -> None:
    schedule = Cosine(steps=10, warm_up=4)
    state.optimizer.param_groups[0]["born"] = -4
    state.optimizer.add_param_group({"params": [], "lr": 0.0, "base_lr": 0.1, "born": 0, "warm_up": 1, "lr_scale": 0.5})

    train_step(state, known(data), TrainingConfig(schedule=schedule), LABELS)

    assert [group["lr"] for group in state.optimizer.param_groups] == pytest.approx([0.05, 0.1 / 5 / 2 / 2])


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("optimizer", [AdamW(lr=0.1), SGD(lr=0.1, momentum=0.9, weight_decay=0.1)])
def test_a_diverged_step_can_be_skipped_without_a_trace(
    optimizer: AbstractOptimizer, precision: Precision, data: TaskData
) -> None:
    model = GrowableModel(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), "known")
    state = fresh_state(model, optimizer, seed=0, precision=precision)
    state.scaler = grad_scaler("fp32", state.device) if precision != "fp16" else state.scaler
    batch, config = known(data), TrainingConfig(on_divergence="skip")
    train_step(state, Split(batch.inputs / 100, batch.labels), config, LABELS)
    before = [parameter.clone() for parameter in model.parameters()]

    skipped = train_step(state, Split(batch.inputs * torch.nan, batch.labels), config, LABELS)
    kept = [torch.equal(a, b) for a, b in zip(model.parameters(), before, strict=True)]
    done = train_step(state, Split(batch.inputs / 100, batch.labels), config, LABELS)

    assert (skipped["skipped_steps"].item(), done["skipped_steps"].item()) == (1, 0)
    assert all(kept)
    assert state.step == 3
    assert not torch.equal(next(model.parameters()), before[0])


def test_a_learned_weight_is_learned_without_decay(data: TaskData) -> None:
    model = GrowableModel(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), "known")
    model.learn_weights(["classes"])
    state = fresh_state(model, AdamW(lr=0.01, weight_decay=0.5), seed=0, precision="fp32")
    config = TrainingConfig(losses={"classes": JointCrossEntropy(weight=Uncertainty())})

    measured = [train_step(state, known(data), config, LABELS) for _ in range(3)]

    variance = model.log_variances["classes"]
    assert [group["weight_decay"] for group in state.optimizer.param_groups] == [0.5, 0.0]
    assert variance.item() != 0
    assert measured[0]["loss/classes_log_variance"] == 0
    # Adam's first step is the learning rate; the weight of a loss above 1/2 falls.
    assert measured[1]["loss/classes_log_variance"].item() == pytest.approx(0.01 / 2, rel=1e-3)


@pytest.mark.parametrize("optimizer", [AdamW(), SGD(lr=0.05, momentum=0.9)], ids=lambda spec: spec.kind)
@pytest.mark.parametrize(("precision", "on_divergence"), [("fp32", "skip"), ("fp16", "stop"), ("fp16", "skip")])
def test_steps_whose_flags_nobody_reads_are_the_same(
    optimizer: AbstractOptimizer,
    precision: Precision,
    on_divergence: Literal["stop", "skip"],
    conv_model: GrowableModel,
    data: TaskData,
) -> None:
    batch, config = known(data), TrainingConfig(optimizer=optimizer, on_divergence=on_divergence, clip_norm=1.0)
    measured, tensors = [], []
    for reads_flags in (True, False):
        state = fresh_state(copy.deepcopy(conv_model), optimizer, seed=0, precision=precision)
        step = TrainingStep(state, config, LABELS)
        step._reads_flags = reads_flags
        inputs = [batch.inputs * (torch.nan if number == 2 else 50) for number in range(6)]
        measured.append([step(Split(own, batch.labels)) for own in inputs])
        moments = [value for one in state.optimizer.state.values() for value in one.values()]
        parameters = [parameter.detach() for parameter in state.model.parameters()]
        tensors.append([value for value in [*parameters, *moments] if isinstance(value, torch.Tensor)])

    skipped = [one["skipped_steps"].item() for one in measured[0]]
    assert skipped == [one["skipped_steps"].item() for one in measured[1]]
    assert skipped[2] == 1
    assert skipped[-1] == 0
    assert all(map(torch.equal, *tensors))
    assert all(value.isfinite().all() for value in tensors[0])

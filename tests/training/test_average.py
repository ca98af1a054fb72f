import copy

import pytest
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from harness.core.errors import SurgeryError
from harness.core.history import History
from harness.core.output_specs import OutputSpecs
from harness.data import Split, TaskData
from harness.growth import AttachHead, NoFreezing, OldParameters, WidenLayer
from harness.growth.freezing import AbstractFreezePolicy, WarmUpThenThaw
from harness.growth.lineage import Change
from harness.growth.operations import AbstractOperation
from harness.growth.probe import Probe
from harness.growth.rules import TriggerMonitor
from harness.models import GrowableModel
from harness.training.average import EMA
from harness.training.config import TrainingConfig
from harness.training.evaluation import evaluate
from harness.training.loop import StageLoop, train_stage
from harness.training.optimizers import SGD
from harness.training.state import TrainState, fresh_state
from harness.training.step import train_step

LATE = AttachHead(name="late", outputs=2, tap="hidden")


@pytest.fixture
def averaged(conv_model: GrowableModel) -> TrainState:
    """A state that keeps an average, of a network with batch norm."""
    return fresh_state(conv_model, SGD(lr=0.1), seed=0, precision="fp32", average=EMA(decay=0.9))


def known(data: TaskData, specs: OutputSpecs) -> Split:
    return data.train.take(specs.label_map.known(data.train.labels).nonzero().squeeze(1))


def average_of(state: TrainState) -> dict[str, Tensor]:
    assert state.average is not None
    return {name: tensor.clone() for name, tensor in state.average.identities.tensors().items()}


def train(state: TrainState, steps: int, batch: Split, specs: OutputSpecs) -> None:
    state.set_train_mode()
    for _ in range(steps):
        train_step(state, batch, TrainingConfig(), specs)


def grow(state: TrainState, operation: AbstractOperation, freeze: AbstractFreezePolicy, data: TaskData) -> None:
    state.grow(Change(operation=operation, freeze=freeze), probe=Probe(data.validation.inputs[:4]))


def test_it_is_that_of_torch_without_a_warm_up(conv_model: GrowableModel, data: TaskData, specs: OutputSpecs) -> None:
    spec = EMA(decay=0.8, warm_up=False)
    state = fresh_state(conv_model, SGD(lr=0.1), seed=0, precision="fp32", average=spec)
    reference = AveragedModel(conv_model, multi_avg_fn=get_ema_multi_avg_fn(0.8))
    reference.update_parameters(conv_model)  # torch's begins with the first values that it sees

    for _ in range(5):
        train(state, 1, known(data, specs), specs)
        reference.update_parameters(conv_model)

    own = dict(state.averaged.model.named_parameters())
    torch.testing.assert_close(own, dict(reference.module.named_parameters()))
    assert not torch.equal(own["backbone.output.bias"], conv_model.get_parameter("backbone.output.bias"))


def test_early_updates_count_more_and_those_after_a_growth_again() -> None:
    assert [round(1 - EMA(decay=0.5).weight(age), 3) for age in (1, 5, 8, 100)] == [0.182, 0.4, 0.5, 0.5]
    assert EMA(decay=0.9, warm_up=False).weight(1) == pytest.approx(0.1)


def test_running_statistics_are_averaged_and_counters_are_those_of_the_network() -> None:
    model = GrowableModel(nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2)), "known")
    model.backbone.register_buffer("mask", torch.tensor([0.0, -torch.inf]))
    state = fresh_state(model, SGD(lr=0.1), seed=0, precision="fp32", average=EMA(decay=0.5, warm_up=False))
    assert state.average is not None
    model(torch.full((4, 3), 10.0) + torch.randn(4, 3))

    state.average.update(1)

    twin, mean = state.averaged.model, model.get_buffer("backbone.0.running_mean")
    torch.testing.assert_close(twin.get_buffer("backbone.0.running_mean"), 0.5 * mean)
    assert twin.get_buffer("backbone.0.num_batches_tracked") == 1
    assert torch.equal(twin.get_buffer("backbone.mask"), model.get_buffer("backbone.mask"))


@pytest.mark.parametrize("operation", [LATE, WidenLayer(path="blocks.0.conv", to=6)], ids=lambda one: one.kind)
def test_a_growth_changes_it_as_it_would_change_a_network(
    averaged: TrainState, data: TaskData, specs: OutputSpecs, operation: AbstractOperation
) -> None:
    train(averaged, 3, known(data, specs), specs)
    twin, inputs = averaged.averaged, data.validation.inputs
    shown = copy.deepcopy(twin.model.eval())(inputs)["known"]
    assert not torch.equal(shown, averaged.model.eval()(inputs)["known"])

    grow(averaged, operation, NoFreezing(), data)

    torch.testing.assert_close(averaged.averaged.model.eval()(inputs)["known"], shown)


def test_what_is_frozen_is_the_networks_own_to_the_bit(
    averaged: TrainState, data: TaskData, specs: OutputSpecs
) -> None:
    train(averaged, 5, known(data, specs), specs)
    grow(averaged, LATE, WarmUpThenThaw(steps=3), data)
    both = OutputSpecs(specs.label_map.of({"known": (0, 1, 2), "late": (3, 4)}))
    frozen = averaged.frozen
    equal = []

    for _ in range(6):
        if averaged.age == 3:
            averaged.refreeze()
        train(averaged, 1, data.train, both)
        tensors = averaged.identities.tensors()
        equal.append(all(torch.equal(average_of(averaged)[name], tensors[name]) for name in frozen))

    assert frozen
    assert equal == [True] * 3 + [False] * 3


def test_a_step_that_was_skipped_does_not_count(averaged: TrainState, data: TaskData, specs: OutputSpecs) -> None:
    batch = known(data, specs)
    train(averaged, 2, batch, specs)
    before = average_of(averaged)
    broken = Split(batch.inputs.clone(), batch.labels)
    broken.inputs[0] = torch.nan

    train_step(averaged, broken, TrainingConfig(on_divergence="skip"), specs)

    parameters = averaged.identities.parameters()
    assert all(torch.equal(average_of(averaged)[name], before[name]) for name in parameters)


def test_it_is_evaluated_unless_the_network_is_asked_for(averaged: TrainState, data: TaskData) -> None:
    twin, found = copy.deepcopy(averaged), {}
    for state, shown in ((averaged, True), (twin, False)):
        history = History()
        config = TrainingConfig(average=EMA(decay=0.9), evaluate_average=shown, evaluate_every=5)
        loop = StageLoop(state, 10, config=config, data=data, monitor=TriggerMonitor(()), history=history)
        assert loop.signature is None
        loop.finish()
        found[shown] = history
        network = state.averaged if shown else state
        assert evaluate(network, data.validation, config, loop.specs) == {
            name.removeprefix("val/"): value for name, value in history.latest().items() if name.startswith("val/")
        }

    assert found[True]["train/loss/total"] == found[False]["train/loss/total"]
    assert found[True]["val/loss/total"] != found[False]["val/loss/total"]


def test_to_keep_one_changes_no_number_of_training(state: TrainState, data: TaskData) -> None:
    twin, histories = copy.deepcopy(state), []
    twin.average = fresh_state(twin.model, SGD(), seed=0, precision="fp32", average=EMA()).average
    for one in (state, twin):
        history = History()
        for until, growth in ((5, True), (10, False)):
            config = TrainingConfig(evaluate_average=False, evaluate_every=5)
            train_stage(one, until, config=config, data=data, monitor=TriggerMonitor(()), history=history)
            if growth:
                grow(one, LATE, OldParameters(), data)
        histories.append(history)

    assert histories[0] == histories[1]


def test_an_average_that_grows_otherwise_is_refused_and_nothing_changes(
    averaged: TrainState, data: TaskData, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = list(averaged.model.parameters())
    names = set(averaged.model.heads)
    other = Change(operation=AttachHead(name="late", outputs=3, tap="hidden"), freeze=NoFreezing())
    assert averaged.average is not None
    own = averaged.average.grow
    monkeypatch.setattr(averaged.average, "grow", lambda _, *rest, **named: own(other, *rest, **named))

    with pytest.raises(SurgeryError, match="expected the average of the weights to grow as the network did"):
        grow(averaged, LATE, NoFreezing(), data)

    assert all(one is other for one, other in zip(averaged.model.parameters(), before, strict=True))
    assert set(averaged.model.heads) == set(averaged.averaged.model.heads) == names


def test_specs_without_one_are_as_they_were() -> None:
    assert not {"average", "evaluate_average"} & TrainingConfig().to_json().keys()
    spec = TrainingConfig(average=EMA(decay=0.99))
    assert TrainingConfig.model_validate(spec.to_json()) == spec

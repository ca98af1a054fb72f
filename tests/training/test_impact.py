from collections import OrderedDict

import pytest
import torch
from torch import nn

from harness.core.label_map import LabelMap
from harness.core.output_specs import OutputSpecs
from harness.core.outputs import Output
from harness.data import Split, TaskData
from harness.growth import AttachHead, NoFreezing, Probe, WidenHead
from harness.growth.lineage import Change
from harness.losses import LearningWithoutForgetting, MeanSquared
from harness.models import GrowableModel
from harness.training.config import TrainingConfig
from harness.training.impact import impact, snapshot_outputs
from harness.training.optimizers import SGD
from harness.training.state import TrainState, fresh_state

BOTH = OutputSpecs(LabelMap.of({"known": (0, 1, 2), "late": (3, 4)}))
CHANGE = Change(operation=AttachHead(name="late", outputs=2, tap="hidden"), freeze=NoFreezing())


@pytest.fixture
def batch(data: TaskData, specs: OutputSpecs) -> Split:
    return data.validation.take(specs.label_map.known(data.validation.labels).nonzero().squeeze(1))


def test_a_new_head_changes_no_logit_but_competes(
    state: TrainState, data: TaskData, batch: Split, specs: OutputSpecs
) -> None:
    before = snapshot_outputs(state, batch, TrainingConfig(), specs)
    state.grow(CHANGE, probe=Probe(data.validation.inputs[:2]))

    found = impact(before, snapshot_outputs(state, batch, TrainingConfig(), BOTH))

    assert found["growth/logit_change"] == 0
    assert found["growth/known_loss_after"] > found["growth/known_loss_before"]
    assert found["growth/known_accuracy_after"] <= found["growth/known_accuracy_before"]


def test_operations_are_counted_per_example(
    state: TrainState, data: TaskData, batch: Split, specs: OutputSpecs
) -> None:
    before = snapshot_outputs(state, batch, TrainingConfig(), specs)
    state.grow(CHANGE, probe=Probe(data.validation.inputs[:2]))

    found = impact(before, snapshot_outputs(state, batch, TrainingConfig(), BOTH))

    assert found["growth/flops_added"] == 2 * 7 * 2  # a multiplication and an addition for each weight


def test_a_change_of_a_logit_is_found(state: TrainState, batch: Split, specs: OutputSpecs) -> None:
    before = snapshot_outputs(state, batch, TrainingConfig(), specs)
    with torch.no_grad():
        state.model.get_parameter("backbone.output.bias")[1] -= 0.25

    found = impact(before, snapshot_outputs(state, batch, TrainingConfig(), specs))

    assert found["growth/logit_change"] == pytest.approx(0.25)


def test_looking_changes_nothing(state: TrainState, batch: Split, specs: OutputSpecs) -> None:
    state.set_train_mode()
    tensors = {name: tensor.clone() for name, tensor in state.model.state_dict().items()}
    stream = torch.get_rng_state()

    snapshot_outputs(state, batch, TrainingConfig(), specs)

    assert all(torch.equal(state.model.state_dict()[name], tensor) for name, tensor in tensors.items())
    assert torch.equal(torch.get_rng_state(), stream)
    assert state.model.training


def test_what_a_growth_did_to_values_is_measured_without_an_accuracy(data: TaskData) -> None:
    model = GrowableModel(nn.Sequential(OrderedDict(flatten=nn.Flatten(), output=nn.Linear(64, 1))), "load")
    state = fresh_state(model, SGD(), seed=0, precision="fp32")
    nothing = OutputSpecs(LabelMap.of({}), {"load": Output()})
    split = Split(data.train.inputs, data.train.labels, {"load": torch.zeros(60, 2)})
    config = TrainingConfig(losses={"load": MeanSquared(), "lwf": LearningWithoutForgetting()})

    before = snapshot_outputs(state, split, config, nothing)
    state.grow(
        Change(operation=WidenHead(path="output", to=2), freeze=NoFreezing(), keep_teacher=True),
        probe=Probe(data.train.inputs[:2]),
    )
    found = impact(before, snapshot_outputs(state, split, config, nothing))

    assert found["growth/logit_change"] == 0
    assert found["growth/known_loss_before"] > 0
    assert found["growth/flops_added"] == 2 * 64  # the teacher is not counted
    assert "growth/known_accuracy_before" not in found

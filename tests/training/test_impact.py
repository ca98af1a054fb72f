import pytest
import torch

from harness.core.answers import Answers
from harness.core.label_map import LabelMap
from harness.data import Split, TaskData
from harness.growth import AttachHead, Nothing, Probe
from harness.growth.lineage import Change
from harness.training.config import TrainingConfig
from harness.training.impact import appearance, impact
from harness.training.state import TrainState

BOTH = Answers(LabelMap.of({"known": (0, 1, 2), "late": (3, 4)}))
CHANGE = Change(operation=AttachHead(name="late", outputs=2, tap="hidden"), freeze=Nothing())


@pytest.fixture
def batch(data: TaskData, answers: Answers) -> Split:
    return data.validation.take(answers.label_map.known(data.validation.labels).nonzero().squeeze(1))


def test_a_new_head_changes_no_logit_but_competes(
    state: TrainState, data: TaskData, batch: Split, answers: Answers
) -> None:
    before = appearance(state, batch, TrainingConfig(), answers)
    state.grow(CHANGE, probe=Probe(data.validation.inputs[:2]))

    found = impact(before, appearance(state, batch, TrainingConfig(), BOTH))

    assert found["growth/logit_change"] == 0
    assert found["growth/known_loss_after"] > found["growth/known_loss_before"]
    assert found["growth/known_accuracy_after"] <= found["growth/known_accuracy_before"]


def test_operations_are_counted_per_example(state: TrainState, data: TaskData, batch: Split, answers: Answers) -> None:
    before = appearance(state, batch, TrainingConfig(), answers)
    state.grow(CHANGE, probe=Probe(data.validation.inputs[:2]))

    found = impact(before, appearance(state, batch, TrainingConfig(), BOTH))

    assert found["growth/flops_added"] == 2 * 7 * 2  # a multiplication and an addition for each weight


def test_a_change_of_a_logit_is_found(state: TrainState, batch: Split, answers: Answers) -> None:
    before = appearance(state, batch, TrainingConfig(), answers)
    with torch.no_grad():
        state.model.get_parameter("backbone.output.bias")[1] -= 0.25

    found = impact(before, appearance(state, batch, TrainingConfig(), answers))

    assert found["growth/logit_change"] == pytest.approx(0.25)


def test_looking_changes_nothing(state: TrainState, batch: Split, answers: Answers) -> None:
    state.set_train_mode()
    tensors = {name: tensor.clone() for name, tensor in state.model.state_dict().items()}
    stream = torch.get_rng_state()

    appearance(state, batch, TrainingConfig(), answers)

    assert all(torch.equal(state.model.state_dict()[name], tensor) for name, tensor in tensors.items())
    assert torch.equal(torch.get_rng_state(), stream)
    assert state.model.training

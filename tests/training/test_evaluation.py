import pytest
import torch
from torch.nn import functional

from harness.core.answers import Answers
from harness.core.label_map import LabelMap
from harness.data import TaskData
from harness.growth import AttachHead, Nothing
from harness.growth.lineage import Change
from harness.growth.probe import Probe
from harness.training import evaluation
from harness.training.config import TrainingConfig
from harness.training.evaluation import evaluate
from harness.training.state import TrainState

BOTH = Answers(LabelMap.of({"known": (0, 1, 2), "late": (3, 4)}))


def test_it_changes_nothing(state: TrainState, data: TaskData, answers: Answers) -> None:
    state.set_train_mode()
    tensors = {name: tensor.clone() for name, tensor in state.model.state_dict().items()}
    modes, stream = [module.training for module in state.model.modules()], torch.get_rng_state()

    evaluate(state, data.validation, TrainingConfig(), answers)

    assert all(torch.equal(state.model.state_dict()[name], tensor) for name, tensor in tensors.items())
    assert modes == [module.training for module in state.model.modules()]
    assert torch.equal(torch.get_rng_state(), stream)


def test_losses_speak_of_answerable_examples(state: TrainState, data: TaskData, answers: Answers) -> None:
    split = data.validation
    known = split.take(answers.label_map.known(split.labels).nonzero().squeeze(1))

    found = evaluate(state, split, TrainingConfig(), answers)

    with torch.no_grad():
        expected = functional.cross_entropy(state.model.eval()(known.inputs)["known"], known.labels)
    assert found["loss/known"] == pytest.approx(expected.item(), rel=1e-5)


def test_the_size_of_chunks_does_not_matter(state: TrainState, data: TaskData, monkeypatch: pytest.MonkeyPatch) -> None:
    change = Change(operation=AttachHead(name="late", outputs=2, tap="hidden"), freeze=Nothing(), loss_weight=2)
    state.grow(change, probe=Probe(data.validation.inputs[:2]))

    whole = evaluate(state, data.validation, TrainingConfig(), BOTH)
    monkeypatch.setattr(evaluation, "CHUNK", 7)
    parts = evaluate(state, data.validation, TrainingConfig(), BOTH)

    assert parts == pytest.approx(whole)
    assert whole["loss/total"] == pytest.approx(whole["loss/known"] + 2 * whole["loss/late"])

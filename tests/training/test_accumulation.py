import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from harness.core.errors import SpecError
from harness.core.history import History
from harness.core.label_map import LabelMap
from harness.core.output_specs import OutputSpecs
from harness.core.spec import with_changes
from harness.data import Split, TaskData
from harness.growth.rules import TriggerMonitor
from harness.losses import AbstractLoss, JointCrossEntropy, SeparateCrossEntropy, Uncertainty
from harness.models import GrowableModel
from harness.training.accumulation import parts_of
from harness.training.config import TrainingConfig
from harness.training.loop import StageLoop, train_stage
from harness.training.optimizers import SGD
from harness.training.precision import Precision
from harness.training.state import TrainState, fresh_state
from harness.training.step import train_step

BOTH = OutputSpecs(LabelMap.of({"known": (0, 1, 2), "late": (3, 4)}))


class TwoHeads(nn.Module):
    """Two linear heads that read the same features."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Flatten(), nn.Linear(64, 6), nn.Tanh())
        self.known, self.late = nn.Linear(6, 3), nn.Linear(6, 2)

    def forward(self, inputs: Tensor) -> dict[str, Tensor]:
        features = self.trunk(inputs)
        return {"known": self.known(features), "late": self.late(features)}


def unequal_batch(data: TaskData) -> Split:
    """Return 11 examples; of the late classes there are two, which stand at even places."""
    labels = data.train.labels
    known, late = ((labels < 3).nonzero().squeeze(1), (labels >= 3).nonzero().squeeze(1))
    return data.train.take(torch.cat([known[:4], late[:1], known[4:5], late[1:2], known[5:9]]))


def stepped(loss: AbstractLoss, batch: Split, precision: Precision = "fp32", **changes: Any) -> tuple[Any, Any]:
    """Return the parameters after three steps, and what the steps measured."""
    torch.manual_seed(0)
    model = GrowableModel(TwoHeads(), "all")
    if loss.learned_weight:
        model.learn_weights(["classes"])
    state = fresh_state(model, SGD(lr=0.3), seed=0, precision=precision)
    config = TrainingConfig(losses={"classes": loss}, record_gradients_every=1, clip_norm=0.5, **changes)
    measured = [train_step(state, batch, config, BOTH) for _ in range(3)]
    return dict(model.named_parameters()), measured


LOSSES: dict[str, AbstractLoss] = {
    "joint": JointCrossEntropy(label_smoothing=0.1),
    "weighted": JointCrossEntropy(class_weights={0: 5.0, 3: 0.2}),
    "separate": SeparateCrossEntropy(),
    "learned": JointCrossEntropy(weight=Uncertainty()),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_parts_of_a_batch_make_the_step_of_the_whole(loss: str, data: TaskData) -> None:
    batch = unequal_batch(data)
    expected = stepped(LOSSES[loss], batch)

    for accumulate in (2, 3, 11, 64):
        found = stepped(LOSSES[loss], batch, accumulate=accumulate)

        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6, check_dtype=False)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_parts_in_16_bits_make_nearly_that_step(precision: Precision, data: TaskData) -> None:
    batch = unequal_batch(data)
    parameters, measured = stepped(LOSSES["weighted"], batch, precision, accumulate=4)

    expected, whole = stepped(LOSSES["weighted"], batch, precision)

    torch.testing.assert_close(parameters, expected, rtol=0.05, atol=0.01)
    assert measured[0]["loss/total"].item() == pytest.approx(whole[0]["loss/total"].item(), rel=0.02)
    assert ("loss_scale" in measured[0]) == (precision == "fp16")


def test_parts_hold_every_example_once_and_differ_by_one(data: TaskData) -> None:
    batch = data.train.take(torch.arange(11))
    parts = list(parts_of(batch, 4))

    assert [len(part) for part in parts] == [3, 3, 3, 2]
    assert torch.equal(torch.cat([part.inputs for part in parts]).sort(0).values, batch.inputs.sort(0).values)
    assert [len(part) for part in parts_of(batch.take(torch.arange(2)), 4)] == [1, 1]


def test_a_diverged_part_leaves_no_trace_of_the_others(data: TaskData) -> None:
    torch.manual_seed(0)
    state = fresh_state(GrowableModel(TwoHeads(), "all"), SGD(lr=0.3), seed=0, precision="fp32")
    batch = unequal_batch(data)
    broken = Split(batch.inputs.clone(), batch.labels)
    broken.inputs[0] = torch.inf
    before = copy.deepcopy(state.model.state_dict())
    config = TrainingConfig(accumulate=4, on_divergence="skip")

    measured = train_step(state, broken, config, BOTH)

    assert measured["skipped_steps"] == 1
    assert state.step == 1
    torch.testing.assert_close(state.model.state_dict(), before, rtol=0, atol=0)
    assert train_step(state, batch, config, BOTH)["skipped_steps"] == 0
    assert not torch.equal(state.model.state_dict()["backbone.known.weight"], before["backbone.known.weight"])


def test_steps_and_what_is_recorded_of_them_are_those_of_updates(state: TrainState, data: TaskData) -> None:
    history = History()
    config = TrainingConfig(batch_size=12, accumulate=3, evaluate_every=5)

    train_stage(state, 10, config=config, data=data, monitor=TriggerMonitor(()), history=history)

    assert history["train/loss/known"].steps == list(range(1, 11))
    assert history["val/loss/total"].steps == [0, 5, 10]
    assert history["train/epoch"].values[-3:] == [2, 3, 3]  # 36 examples of known classes, 12 an update


def test_a_run_that_accumulates_is_packed_with_none(state: TrainState, data: TaskData) -> None:
    def loop(accumulate: int) -> StageLoop:
        config = TrainingConfig(accumulate=accumulate)
        return StageLoop(state, 1, config=config, data=data, monitor=TriggerMonitor(()), history=History())

    assert loop(1).signature is not None
    assert loop(2).signature is None


def test_more_parts_than_examples_are_refused() -> None:
    with pytest.raises(SpecError, match="accumulate: expected at most 8 parts of a batch of 8 examples, found 9"):
        with_changes(TrainingConfig(batch_size=8), {"accumulate": 9})
    assert "accumulate" not in TrainingConfig().to_json()

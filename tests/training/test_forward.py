import pytest
import torch
from torch import Tensor

from harness.core.output_specs import OutputSpecs
from harness.data import Split, TaskData
from harness.losses import Distillation, FeatureMatching, JointCrossEntropy
from harness.models.teacher import keep_teacher
from harness.training.forward import Needs, forward_batch, needs_of
from harness.training.precision import Precision
from harness.training.state import TrainState


def test_losses_say_what_they_look_at() -> None:
    losses = [JointCrossEntropy(), FeatureMatching(tap="hidden"), FeatureMatching(tap="blocks.0"), Distillation()]

    assert needs_of(losses) == Needs(("blocks.0", "hidden"), teacher=True)
    assert needs_of([JointCrossEntropy()]) == Needs()


def test_the_network_is_called_once_and_its_features_are_seen(
    state: TrainState, data: TaskData, specs: OutputSpecs
) -> None:
    calls: list[int] = []
    state.model.register_forward_hook(lambda *_: calls.append(1))

    batch = forward_batch(state, data.train, specs, Needs(taps=("hidden",)))

    assert len(calls) == 1
    assert batch.features["hidden"].shape == (60, 7)
    assert batch.teacher is None
    assert batch.labels is data.train.labels


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_what_is_seen_has_32_bits(state: TrainState, data: TaskData, specs: OutputSpecs, precision: Precision) -> None:
    state.precision = precision
    keep_teacher(state.model).join(state.model)

    batch = forward_batch(state, data.train, specs, Needs(taps=("hidden",), teacher=True))

    assert batch.teacher is not None
    seen = (batch.outputs, batch.features, batch.teacher, batch.teacher_features)
    assert {value.dtype for group in seen for value in group.values()} == {torch.float32}


def test_another_forward_may_take_the_networks_place(state: TrainState, data: TaskData, specs: OutputSpecs) -> None:
    def cached(examples: Split) -> dict[str, Tensor]:
        return {"known": torch.ones(len(examples), 3)}

    batch = forward_batch(state, data.train, specs, forward=cached)

    assert torch.equal(batch.outputs["known"], torch.ones(60, 3))


def test_a_teacher_is_asked_only_if_a_loss_wants_it(state: TrainState, data: TaskData, specs: OutputSpecs) -> None:
    keep_teacher(state.model).join(state.model)
    state.model.eval()

    asked = forward_batch(state, data.train, specs, Needs(teacher=True))

    assert forward_batch(state, data.train, specs).teacher is None
    assert asked.teacher is not None
    torch.testing.assert_close(asked.teacher["known"], asked.outputs["known"])
    assert not asked.teacher["known"].requires_grad

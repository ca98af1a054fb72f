import pytest
import torch
from torch import Tensor
from torch.nn.utils import get_total_norm

from harness.core.output_specs import OutputSpecs
from harness.data import Split, TaskData
from harness.training.config import TrainingConfig
from harness.training.gradients import agreement, total_norm, trunk_gradients
from harness.training.precision import Precision, grad_scaler
from harness.training.state import TrainState
from harness.training.step import train_step


def weight_of(state: TrainState) -> Tensor:
    return state.model.get_parameter("backbone.output.bias")


def test_norms_and_cosines_are_those_of_the_components_gradients(state: TrainState) -> None:
    bias = weight_of(state)
    pulls = {
        name: torch.tensor(pull) for name, pull in {"a": [3.0, 4, 0], "b": [4.0, 3, 0], "c": [-3.0, -4, 0]}.items()
    }
    weighted = {name: (bias * pull).sum() for name, pull in pulls.items()} | {"constant": torch.tensor(2.0)}

    found = {name: value.item() for name, value in agreement(trunk_gradients(state, weighted)).items()}

    assert found["trunk_norm/a"] == found["trunk_norm/b"] == pytest.approx(5)
    assert found["trunk_cosine/a.b"] == pytest.approx(24 / 25)
    assert found["trunk_cosine/a.c"] == pytest.approx(-1)
    assert found["trunk_norm/constant"] == found["trunk_cosine/a.constant"] == 0


def test_a_frozen_trunk_has_none(state: TrainState) -> None:
    state.model.backbone.requires_grad_(False)

    assert trunk_gradients(state, {"a": torch.zeros((), requires_grad=True)}) == {}


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_recording_changes_no_number(
    state: TrainState, data: TaskData, specs: OutputSpecs, precision: Precision
) -> None:
    state.precision, state.scaler = precision, grad_scaler(precision, state.device)
    start = {name: tensor.clone() for name, tensor in state.model.state_dict().items()}
    batch = known(data, specs)
    results = []

    for every in (None, 2):
        state.model.load_state_dict(start)
        state.step, state.optimizer.state = 0, type(state.optimizer.state)(dict)
        config = TrainingConfig(record_gradients_every=every)
        measured = [train_step(state, batch, config, specs) for _ in range(4)]
        results.append([step["loss/total"].item() for step in measured])

    assert results[0] == results[1]
    assert ["trunk_norm/known" in step for step in measured] == [False, True, False, True]
    torch.testing.assert_close(measured[1]["trunk_norm/known"], measured[1]["grad_norm"].float())


def known(data: TaskData, specs: OutputSpecs) -> Split:
    return data.train.take(specs.label_map.known(data.train.labels).nonzero().squeeze(1))


@pytest.mark.parametrize("sizes", [[(3, 4), (4,)], [(1,)], [(17,), (2, 3, 5), ()]], ids=str)
def test_the_norm_of_all_gradients_is_torchs_to_the_bit(sizes: list[tuple[int, ...]]) -> None:
    gradients = [torch.randn(size, generator=torch.Generator().manual_seed(0)) for size in sizes]

    assert torch.equal(total_norm(gradients), get_total_norm(gradients))
    mixed = [*gradients, gradients[0].double()]
    assert torch.equal(total_norm(mixed), get_total_norm(mixed))
    assert total_norm([]) == 0

"""Synaptic intelligence, whose sums along the way are known of plain gradient descent."""

import pytest
import torch
from torch import Tensor, nn

from harness.core.output_specs import OutputSpecs
from harness.core.spec import with_changes
from harness.data import Split, TaskData
from harness.losses import JointCrossEntropy, SynapticIntelligence
from harness.models import GrowableModel
from harness.training.arrival import before_arrival
from harness.training.config import TrainingConfig
from harness.training.optimizers import SGD
from harness.training.output_specs import output_specs
from harness.training.precision import Precision
from harness.training.state import TrainState, fresh_state
from harness.training.step import TrainingStep

RATE, STEPS, WEIGHT = 0.1, 5, "0/backbone.weight"
CONFIG = TrainingConfig(
    optimizer=SGD(lr=RATE, momentum=0.0),
    losses={"known": JointCrossEntropy(), "si": SynapticIntelligence(weight=3.0, damping=0.2)},
)


def task() -> TaskData:
    inputs = torch.randn(12, 4, generator=torch.Generator().manual_seed(0))
    split = Split(inputs, torch.arange(12) % 3)
    return TaskData(split, split, split, {"known": (0, 1, 2)})


def linear(precision: Precision = "fp32") -> TrainState:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = GrowableModel(nn.Linear(4, 3), "known")
    return fresh_state(model, CONFIG.optimizer, seed=0, precision=precision)


def specs_of(state: TrainState, data: TaskData) -> OutputSpecs:
    return output_specs(state.model, (), (), data)


def train(state: TrainState, config: TrainingConfig, data: TaskData) -> None:
    step = TrainingStep(state, config, specs_of(state, data))
    for _ in range(STEPS):
        step(data.train)


def way_of(weight: Tensor, bias: Tensor, data: TaskData, pull: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return the end of gradient descent by hand, and the sum of -gradient * move, of `weight`."""
    start, path = weight, torch.zeros_like(weight)
    for _ in range(STEPS):
        leaves = (weight.clone().requires_grad_(), bias.clone().requires_grad_())
        loss = nn.functional.cross_entropy(data.train.inputs @ leaves[0].T + leaves[1], data.train.labels)
        slope, slope_of_bias = torch.autograd.grad(loss, leaves)
        own = torch.zeros_like(slope) if pull is None else 2 * 3.0 * pull * (weight - start)
        path = path + slope * RATE * (slope + own)
        weight, bias = weight - RATE * (slope + own), bias - RATE * slope_of_bias
    return weight, path


@pytest.mark.parametrize("change", [{}, {"accumulate": 3}, {"average": {"decay": 0.5}}], ids=str)
def test_importance_is_what_moving_has_lowered_the_loss_by_for_its_length(change: dict[str, object]) -> None:
    data, state, config = task(), linear(), with_changes(CONFIG, change)
    start = {key: parameter.detach().clone() for key, parameter in state.learnable.items()}

    train(state, config, data)
    before_arrival(state, config, data, specs_of(state, data))

    end, path = way_of(start[WEIGHT], start["0/backbone.bias"], data)
    kept = state.loss_states["si"]
    torch.testing.assert_close(kept["importance"][WEIGHT], path / ((end - start[WEIGHT]).square() + 0.2))
    assert torch.equal(kept["anchor"][WEIGHT], state.learnable[WEIGHT])
    assert kept["path"][WEIGHT].count_nonzero() == 0


def test_what_the_penalty_itself_pulls_does_not_count() -> None:
    data, state = task(), linear()
    train(state, CONFIG, data)
    before_arrival(state, CONFIG, data, specs_of(state, data))
    kept = {key: dict(tensors) for key, tensors in state.loss_states["si"].items()}
    kept["importance"]["0/backbone.bias"] = torch.zeros(3)
    kept["importance"][WEIGHT] = kept["importance"][WEIGHT] * 10
    state.loss_states["si"] = kept
    start = {key: parameter.detach().clone() for key, parameter in state.learnable.items()}

    train(state, CONFIG, data)

    end, path = way_of(start[WEIGHT], start["0/backbone.bias"], data, pull=kept["importance"][WEIGHT])
    torch.testing.assert_close(state.learnable[WEIGHT].detach(), end)
    torch.testing.assert_close(state.loss_states["si"]["path"][WEIGHT], path)


def test_gradients_are_those_before_clipping() -> None:
    data, state, config = task(), linear(), with_changes(CONFIG, {"clip_norm": 1e-3})
    before = state.learnable[WEIGHT].detach().clone()
    step = TrainingStep(state, config, specs_of(state, data))

    step(data.train)

    loss = nn.functional.cross_entropy(data.train.inputs @ before.T + linear().model.backbone.bias, data.train.labels)
    assert loss > 0
    moved = state.learnable[WEIGHT].detach() - before
    leaf = before.clone().requires_grad_()
    bias = linear().model.get_parameter("backbone.bias").detach()
    logits = data.train.inputs @ leaf.T + bias
    (slope,) = torch.autograd.grad(nn.functional.cross_entropy(logits, data.train.labels), leaf)
    torch.testing.assert_close(state.loss_states["si"]["path"][WEIGHT], -slope * moved)


def test_a_skipped_update_adds_nothing() -> None:
    data, state, config = task(), linear(), with_changes(CONFIG, {"on_divergence": "skip"})
    step = TrainingStep(state, config, specs_of(state, data))

    step(Split(torch.full_like(data.train.inputs, torch.inf), data.train.labels))

    assert state.loss_states["si"]["path"][WEIGHT].count_nonzero() == 0


def test_in_16_bits_gradients_are_not_scaled() -> None:
    data, states = task(), [linear("fp32"), linear("fp16")]

    for state in states:
        train(state, CONFIG, data)

    exact, scaled = (state.loss_states["si"]["path"][WEIGHT] for state in states)
    torch.testing.assert_close(scaled, exact, rtol=0.05, atol=1e-4)

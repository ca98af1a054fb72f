"""What is important, against what is known in closed form of a network without hidden layers."""

import pytest
import torch
from torch import Tensor, nn

from harness.core.errors import SpecError
from harness.core.label_map import LabelMap
from harness.core.output_specs import OutputSpecs
from harness.core.outputs import Output
from harness.core.seeding import generator
from harness.data import Split, TaskData
from harness.losses import (
    AbstractLoss,
    Batch,
    CrossEntropy,
    ElasticWeightConsolidation,
    JointCrossEntropy,
    LossState,
    MeanSquared,
    MemoryAwareSynapses,
    ParameterNorm,
    SeparateCrossEntropy,
)
from harness.models import GrowableModel
from harness.training.arrival import before_arrival
from harness.training.config import TrainingConfig
from harness.training.optimizers import SGD
from harness.training.output_specs import output_specs
from harness.training.state import TrainState, fresh_state

WEIGHT, BIAS = "0/backbone.weight", "0/backbone.bias"
CLASSES: dict[str, tuple[int, ...]] = {"known": (0, 1, 2)}


def data_of(labels: Tensor, classes: dict[str, tuple[int, ...]], hidden: tuple[int, ...] = ()) -> TaskData:
    inputs = torch.randn(len(labels), 4, generator=torch.Generator().manual_seed(0))
    split = Split(inputs, labels, {"size": inputs[:, :1] * 2 + 1})
    outputs = {} if classes else {"known": Output(target="size", columns=1)}
    return TaskData(split, split, split, classes, outputs=outputs, hidden=hidden)


def linear(outputs: int) -> TrainState:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = GrowableModel(nn.Linear(4, outputs), "known")
    return fresh_state(model, SGD(), seed=0, precision="fp32")


def importance(state: TrainState, data: TaskData, *losses: AbstractLoss) -> dict[str, Tensor]:
    """Let a state take in what was learned; return what it calls important."""
    config = TrainingConfig(losses={f"loss {number}": loss for number, loss in enumerate(losses)})
    before_arrival(state, config, data, output_specs(state.model, (), (), data))
    kept = state.loss_states[f"loss {len(losses) - 1}"]
    return dict(kept["importance"])


def softmax_of(state: TrainState, data: TaskData) -> Tensor:
    outputs: Tensor = state.model(data.train.inputs)["known"]
    return outputs.detach().softmax(dim=1)


def test_the_exact_fisher_information_is_that_of_a_softmax() -> None:
    data, state = data_of(torch.arange(12) % 3, CLASSES), linear(3)

    found = importance(state, data, JointCrossEntropy(), ElasticWeightConsolidation())

    spread = (p := softmax_of(state, data)) * (1 - p)
    torch.testing.assert_close(found[WEIGHT], spread.T @ data.train.inputs.square() / 12)
    torch.testing.assert_close(found[BIAS], spread.mean(dim=0))


def test_the_empirical_one_is_the_square_of_the_error_and_a_penalty_is_no_part_of_it() -> None:
    data, state = data_of(torch.arange(12) % 3, CLASSES), linear(3)
    penalty = ParameterNorm(paths=("weight",), weight=5.0)

    found = importance(state, data, JointCrossEntropy(), penalty, ElasticWeightConsolidation(fisher="empirical"))

    errors = softmax_of(state, data) - nn.functional.one_hot(data.train.labels, 3)
    torch.testing.assert_close(found[WEIGHT], errors.square().T @ data.train.inputs.square() / 12)


def test_that_of_what_is_predicted_is_the_square_of_the_distance_to_the_likeliest_class() -> None:
    data, state = data_of(torch.arange(12) % 3, CLASSES), linear(3)

    found = importance(state, data, JointCrossEntropy(), ElasticWeightConsolidation(fisher="predicted"))

    p = softmax_of(state, data)
    errors = p - nn.functional.one_hot(p.argmax(dim=1), 3)
    torch.testing.assert_close(found[WEIGHT], errors.square().T @ data.train.inputs.square() / 12)


def test_that_of_a_squared_error_is_known_too() -> None:
    data, state = data_of(torch.zeros(12, dtype=torch.int64), {}), linear(1)

    found = importance(state, data, MeanSquared(output="known"), ElasticWeightConsolidation(fisher="empirical"))

    errors = state.model(data.train.inputs)["known"].detach() - data.train.targets["size"]
    torch.testing.assert_close(found[WEIGHT], 4 * errors.square().T @ data.train.inputs.square() / 12)


def test_an_exact_one_of_an_output_that_is_yet_to_come_is_refused_in_a_line() -> None:
    data, state = data_of(torch.zeros(12, dtype=torch.int64), {}), linear(1)

    with pytest.raises(SpecError, match="set fisher='empirical' of the loss"):
        importance(state, data, MeanSquared(output="known"), CrossEntropy(output="late"), ElasticWeightConsolidation())


def test_memory_aware_synapses_are_how_much_the_outputs_move() -> None:
    data, state = data_of(torch.arange(12) % 3, CLASSES), linear(3)

    found = importance(state, data, JointCrossEntropy(), MemoryAwareSynapses())

    outputs = state.model(data.train.inputs)["known"].detach()
    torch.testing.assert_close(found[WEIGHT], 2 * outputs.abs().T @ data.train.inputs.abs() / 12)
    torch.testing.assert_close(found[BIAS], 2 * outputs.abs().mean(dim=0))


@pytest.mark.parametrize("together", [4, 5])
def test_outputs_that_move_together_count_less_where_they_move_apart(together: int) -> None:
    data, state = data_of(torch.arange(12) % 3, CLASSES), linear(3)

    found = importance(state, data, JointCrossEntropy(), MemoryAwareSynapses(together=together))

    order = torch.randperm(12, generator=generator(0, "arrival", 0))
    outputs = 2 * state.model(data.train.inputs)["known"].detach()[order]
    sizes = [part.sum(dim=0).abs() for part in outputs.split(together)]
    torch.testing.assert_close(found[BIAS], torch.stack(sizes).sum(dim=0) / 12)


def test_only_classes_that_can_be_seen_and_examples_of_what_came_last_count() -> None:
    labels = torch.arange(12) % 3
    data, state = data_of(labels, CLASSES, hidden=(2,)), linear(3)

    found = importance(state, data, JointCrossEntropy(), ElasticWeightConsolidation())

    seen = data.train.inputs[labels < 2]
    p = state.model(seen)["known"].detach()[:, :2].softmax(dim=1)
    torch.testing.assert_close(found[WEIGHT], nn.functional.pad((p * (1 - p)).T @ seen.square() / 8, (0, 0, 0, 1)))


def test_heads_that_do_not_compete_are_each_asked_about_their_own_examples() -> None:
    labels = torch.arange(12) % 4
    data = data_of(labels, {"known": (0, 1), "other": (2, 3)})
    model = GrowableModel(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), "known")
    model.attach("other", nn.Linear(4, 2), "0")
    state = fresh_state(model, SGD(), seed=0, precision="fp32")

    found = importance(state, data, SeparateCrossEntropy(), ElasticWeightConsolidation())

    own = data.train.inputs[labels < 2]
    p = model(own)["known"].detach().softmax(dim=1)
    torch.testing.assert_close(found["0/backbone.1.weight"], (p * (1 - p)).T @ own.square() / 12)
    assert found["0/heads.other.weight"].count_nonzero() == 8


def test_a_few_examples_are_drawn_alike_whatever_was_drawn_before() -> None:
    data = data_of(torch.arange(12) % 3, CLASSES)
    few = ElasticWeightConsolidation(examples=4)
    one, other = (importance(linear(3), data, JointCrossEntropy(), few) for _ in range(2))

    assert torch.equal(one[WEIGHT], other[WEIGHT])
    every = importance(linear(3), data, JointCrossEntropy(), ElasticWeightConsolidation(examples=12))
    assert not torch.allclose(one[WEIGHT], every[WEIGHT])


def test_what_is_frozen_counts_and_stays_frozen_and_nothing_else_changes(conv_model: GrowableModel) -> None:
    inputs = torch.randn(6, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    split = Split(inputs, torch.arange(6) % 3)
    data, state = TaskData(split, split, split, CLASSES), fresh_state(conv_model, SGD(), seed=0, precision="fp32")
    frozen = state.model.get_parameter("backbone.output.weight").requires_grad_(False)
    state.model.train()
    before = {name: tensor.clone() for name, tensor in state.model.state_dict().items()}
    stream = torch.get_rng_state()

    found = importance(state, data, JointCrossEntropy(), ElasticWeightConsolidation(examples=6))

    assert found["0/backbone.output.weight"].count_nonzero() > 0
    assert not frozen.requires_grad
    assert all(parameter.grad is None for parameter in state.model.parameters())
    assert all(torch.equal(before[name], tensor) for name, tensor in state.model.state_dict().items())
    assert state.model.backbone.training
    assert torch.equal(torch.get_rng_state(), stream)


def test_online_the_earlier_one_fades_and_the_latest_values_are_the_anchors() -> None:
    data, state = data_of(torch.arange(12) % 3, CLASSES), linear(3)
    online = ElasticWeightConsolidation(decay=0.5)
    first = importance(state, data, JointCrossEntropy(), online)[WEIGHT]
    shift(state, 0.1)
    second = importance(linear_like(state), data, JointCrossEntropy(), online)[WEIGHT]

    both = importance(state, data, JointCrossEntropy(), online)[WEIGHT]

    torch.testing.assert_close(both, 0.5 * first + second)
    assert torch.equal(state.loss_states["loss 1"]["anchor"][WEIGHT], state.learnable[WEIGHT])


def test_otherwise_it_pulls_as_one_penalty_for_each_arrival_would() -> None:
    data, state, own = data_of(torch.arange(12) % 3, CLASSES), linear(3), ElasticWeightConsolidation()
    penalties = []
    for _ in range(3):
        alone = linear_like(state)
        importance(state, data, JointCrossEntropy(), own)
        importance(alone, data, JointCrossEntropy(), own)
        penalties.append(alone.loss_states["loss 1"])
        shift(state, 0.1)

    one, *each = (pull(kept, own, state) for kept in (state.loss_states["loss 1"], *penalties))

    torch.testing.assert_close(one, torch.stack(each).sum(dim=0))
    assert one.count_nonzero() == one.numel()


def shift(state: TrainState, by: float) -> None:
    with torch.no_grad():
        state.learnable[WEIGHT].add_(torch.arange(12.0).reshape(3, 4) * by)


def linear_like(state: TrainState) -> TrainState:
    """Return a state with the same values that has learned nothing."""
    twin = linear(3)
    twin.model.load_state_dict(state.model.state_dict())
    return twin


def pull(kept: LossState, loss: AbstractLoss, state: TrainState) -> Tensor:
    """Return the gradient of a penalty on the weight."""
    parameters, nothing = state.learnable, torch.zeros(1, dtype=torch.int64)
    batch = Batch({}, nothing, nothing, OutputSpecs(LabelMap.of({})), states={"it": kept}, parameters=parameters)
    return torch.autograd.grad(loss.components("it", batch)["it"], parameters[WEIGHT])[0]

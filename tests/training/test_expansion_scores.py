import pytest
import torch
from torch.nn import functional

from harness.core.output_specs import OutputSpecs
from harness.core.seeding import generator
from harness.data import Split, TaskData
from harness.growth import AttachHead, Probe, WidenLayer
from harness.growth.units import GradMaxUnits, RandomUnits
from harness.models import MLP, GrowableModel
from harness.training.config import TrainingConfig
from harness.training.expansion_scores import expansion_scores, natural_score
from harness.training.natural_expansion import NaturalExpansion
from harness.training.optimizers import SGD
from harness.training.output_specs import output_specs
from harness.training.state import TrainState, fresh_state

WIDER = WidenLayer(path="hidden.0.linear", by=2, method=RandomUnits())


@pytest.fixture
def data() -> TaskData:
    stream = torch.Generator().manual_seed(0)
    inputs = torch.randn(30, 4, generator=stream)
    labels = (inputs[:, 0] * inputs[:, 1] > 0).long() + (inputs[:, 2] > 1).long()
    split = Split(inputs, labels)
    return TaskData(split, split, split, {"known": (0, 1, 2)})


@pytest.fixture
def state() -> TrainState:
    torch.manual_seed(0)
    model = GrowableModel(MLP(inputs=4, widths=(3,)).build(3), "known")
    return fresh_state(model, SGD(lr=0.05), seed=0, precision="fp32")


def specs_of(state: TrainState, data: TaskData) -> OutputSpecs:
    return output_specs(state.model, state.lineage, state.effects, data)


def scores(state: TrainState, data: TaskData, tried: NaturalExpansion) -> dict[str, float]:
    config = TrainingConfig(record_expansions={"wider": tried})
    return expansion_scores(state, data, config, specs_of(state, data))


def by_hand(model: GrowableModel, data: TaskData, examples: int, damping: float | None) -> tuple[float, float]:
    """Return g F^-1 g, with the whole matrix F, and the mean squared length of a gradient."""
    rows = []
    for index in range(examples):
        model.zero_grad()
        outputs = model.eval()(data.train.inputs[index : index + 1])
        functional.cross_entropy(outputs["known"], data.train.labels[index : index + 1]).backward()
        rows.append(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]).double())
    gradients = torch.stack(rows)
    size = float(gradients.square().sum(1).mean())
    fisher = gradients.T @ gradients / examples + (size if damping is None else damping) * torch.eye(gradients.shape[1])
    mean = gradients.mean(0)
    return float(mean @ torch.linalg.solve(fisher, mean)), size


def test_a_score_is_that_of_the_whole_fisher_matrix_before_and_after_the_growth(
    state: TrainState, data: TaskData
) -> None:
    found = scores(state, data, NaturalExpansion(operation=WIDER, examples=20, damping=0.1))

    _, size = by_hand(state.model, data, 20, None)
    before, _ = by_hand(state.model, data, 20, 0.1 * size)
    WIDER.apply(state.model, probe=Probe(data.train.inputs[:20]), generator=generator(0, "expansion", 0))
    after, _ = by_hand(state.model, data, 20, 0.1 * size)
    assert found == {
        "expansion/wider": pytest.approx(after / before),
        "expansion_gain/wider": pytest.approx(after - before),
    }
    assert found["expansion/wider"] > 1.01


def test_a_score_of_equal_gradients_is_known() -> None:
    ones = torch.full((4, 4), 2.0, dtype=torch.float64)  # four times the same gradient, of squared length 2

    assert natural_score(ones, 0.5) == pytest.approx(2 / (2 + 0.5))
    assert natural_score(torch.zeros(3, 3, dtype=torch.float64), 1.0) == 0.0


def test_what_is_tried_leaves_no_trace(state: TrainState, data: TaskData) -> None:
    tried = NaturalExpansion(operation=WidenLayer(path="hidden.0.linear", by=1, method=GradMaxUnits()), examples=8)
    tensors = {name: (id(tensor), tensor.clone()) for name, tensor in state.model.state_dict(keep_vars=True).items()}
    stream = torch.get_rng_state()
    state.model.train()

    first, again = (scores(state, data, tried) for _ in range(2))

    assert first == again
    after = state.model.state_dict(keep_vars=True)
    assert {name: id(tensor) for name, tensor in after.items()} == {name: key for name, (key, _) in tensors.items()}
    assert all(torch.equal(tensor, tensors[name][1]) for name, tensor in after.items())
    assert torch.equal(torch.get_rng_state(), stream)
    assert state.model.training
    assert all(parameter.grad is None for parameter in state.model.parameters())


def test_what_cannot_lower_the_loss_gains_nothing(state: TrainState, data: TaskData) -> None:
    head = AttachHead(name="late", outputs=2, tap="hidden.0")

    found = scores(state, data, NaturalExpansion(operation=head, examples=8))

    assert found["expansion/wider"] == pytest.approx(1.0)
    assert found["expansion_gain/wider"] == pytest.approx(0.0, abs=1e-12)

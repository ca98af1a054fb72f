import copy
import functools
import math

import pytest
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from harness.growth import NoFreezing, OldParameters, grow
from harness.growth.operations import WidenHead
from harness.growth.record import Moments
from harness.growth.relabel import grown_weights
from harness.models import MLP
from harness.models.widened import Widened
from harness.training.optimizers import SGD, AbstractOptimizer, AdamW

OPTIMIZERS = [SGD(lr=0.05, momentum=0.9), AdamW(lr=0.01)]


def mlp() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 4))


def trained(model: nn.Module, spec: AbstractOptimizer, inputs: Tensor, steps: int = 5) -> Optimizer:
    optimizer = spec.start(model.parameters())
    for _ in range(steps):
        optimizer.zero_grad()
        model(inputs).square().mean().backward()
        optimizer.step()
    return optimizer


@pytest.mark.parametrize("spec", OPTIMIZERS, ids=repr)
@pytest.mark.parametrize("rows", ["own", "in_place"])
def test_moments_of_old_rows_stay_to_the_bit(rows: str, spec: AbstractOptimizer) -> None:
    model, inputs = mlp(), torch.randn(5, 3)
    optimizer = trained(model, spec, inputs)
    old = model.get_parameter("2.weight")
    before = {key: torch.as_tensor(value).clone() for key, value in optimizer.state[old].items()}

    grow(model, optimizer, WidenHead.model_validate({"path": "2", "to": 7, "rows": rows}))

    layer = model.get_submodule("2")
    part = layer.layers[0] if isinstance(layer, Widened) else layer
    after = optimizer.state[part.weight]  # type: ignore[index]
    assert before.keys() == after.keys()
    for key, value in before.items():
        kept = torch.as_tensor(after[key])
        assert torch.equal(kept[:4] if kept.dim() else kept, value)
    optimizer.zero_grad()
    model(inputs).square().mean().backward()
    optimizer.step()


@pytest.mark.parametrize("spec", OPTIMIZERS, ids=repr)
def test_the_first_update_of_new_rows_is_that_of_a_fresh_optimizer(spec: AbstractOptimizer) -> None:
    model, inputs = mlp(), torch.randn(5, 3)
    optimizer = trained(model, spec, inputs)
    grow(model, optimizer, WidenHead(path="2", to=7))
    twin = copy.deepcopy(model)
    fresh = spec.start(twin.get_submodule("2.parts.1").parameters())

    for network, own in ((model, optimizer), (twin, fresh)):
        own.zero_grad()
        network(inputs).square().mean().backward()
        own.step()

    assert torch.equal(model.get_parameter("2.parts.1.weight"), twin.get_parameter("2.parts.1.weight"))


RATE, WARM_STEPS = 1e-4, 1000


def update(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Make an update whose gradient is always the same."""
    optimizer.zero_grad()
    model(torch.ones(5, 3)).sum().backward()
    optimizer.step()


@functools.cache
def warm() -> tuple[nn.Module, torch.optim.Optimizer]:
    """Return a network after many updates of a constant gradient, and its optimizer; callers copy them."""
    model = mlp()
    for parameter in model.get_submodule("0").parameters():
        parameter.requires_grad_(False)
    optimizer = AdamW(lr=RATE, weight_decay=0.0).start(model.get_submodule("2").parameters())
    for _ in range(WARM_STEPS):
        update(model, optimizer)
    return model, optimizer


def displacement(rows: str, moments: Moments, steps: int) -> Tensor:
    """Return how far each new bias went in `steps` updates of a constant gradient, in learning rates."""
    model, optimizer = copy.deepcopy(warm())
    grow(model, optimizer, WidenHead.model_validate({"path": "2", "to": 7, "rows": rows, "moments": moments}))
    layer = model.get_submodule("2")
    bias = layer.layers[1].bias if isinstance(layer, Widened) else layer.bias
    assert isinstance(bias, Tensor)
    before = bias.detach().clone()
    for _ in range(steps):
        update(model, optimizer)
    return ((before - bias.detach()) / RATE)[-3:]


@pytest.mark.parametrize("steps", [1, 5, 10])
def test_padded_moments_overshoot_and_rows_of_their_own_do_not(steps: int) -> None:
    correction = [(1 - 0.9 ** (WARM_STEPS + k)) / math.sqrt(1 - 0.999 ** (WARM_STEPS + k)) for k in range(1, steps + 1)]
    padded = [(1 - 0.9**k) / math.sqrt(1 - 0.999**k) for k in range(1, steps + 1)]
    predicted = sum(p / c for p, c in zip(padded, correction, strict=True))

    own = displacement("own", "zero", steps)
    in_place = displacement("in_place", "zero", steps)

    torch.testing.assert_close(own, torch.full((3,), float(steps)), rtol=1e-3, atol=0)
    torch.testing.assert_close(in_place, torch.full((3,), predicted), rtol=1e-2, atol=0)
    assert predicted > 2.5 * steps


def test_forgotten_moments_do_not_overshoot() -> None:
    torch.testing.assert_close(displacement("in_place", "reset", 5), torch.full((3,), 5.0), rtol=1e-3, atol=0)


@pytest.mark.parametrize("spec", OPTIMIZERS, ids=repr)
def test_old_rows_can_be_frozen_apart_from_new_ones(spec: AbstractOptimizer) -> None:
    model, inputs = mlp(), torch.randn(5, 3)
    optimizer = trained(model, spec, inputs)
    grow(model, optimizer, WidenHead(path="2", to=7), freeze_policy=OldParameters())
    old, new = (model.get_parameter(f"2.parts.{part}.weight") for part in (0, 1))
    before = old.clone(), new.clone()

    model(inputs).square().mean().backward()
    optimizer.step()

    assert torch.equal(old, before[0])
    assert not torch.equal(new, before[1])


@pytest.mark.parametrize("rows", ["own", "in_place"])
def test_class_weights_follow(rows: str) -> None:
    model, inputs, labels = mlp(), torch.randn(5, 3), torch.tensor([0, 3, 4, 5, 6])
    weights = torch.tensor([1.0, 2.0, 3.0, 4.0])
    optimizer = SGD().start(model.parameters())

    grown = grow(model, optimizer, WidenHead.model_validate({"path": "2", "to": 7, "rows": rows}))

    criterion = nn.CrossEntropyLoss(weight=grown_weights(weights, grown.growth.columns["2"], new=0.5))
    criterion(model(inputs), labels).backward()
    assert criterion.weight is not None
    assert criterion.weight.tolist() == [1.0, 2.0, 3.0, 4.0, 0.5, 0.5, 0.5]


def test_an_average_of_the_weights_grows_with_them() -> None:
    model, inputs = MLP(inputs=3, widths=(6,)).build(4), torch.randn(5, 3)
    average, optimizer = AveragedModel(model), SGD().start(model.parameters())

    grow(model, optimizer, WidenHead(path="output", to=7), average=average)
    average.update_parameters(model)

    torch.testing.assert_close(average(inputs), model(inputs))


@pytest.mark.parametrize("rows", ["own", "in_place"])
def test_a_growth_that_fails_leaves_the_layer_as_it_was(rows: str) -> None:
    model, inputs = mlp(), torch.randn(5, 3)
    before, keys, parameters = model(inputs), list(model.state_dict()), list(model.parameters())
    optimizer = SGD().start([*model.parameters(), nn.Parameter(torch.ones(1))])  # an orphan, found after the operation

    with pytest.raises(Exception, match="only the model's parameters"):
        grow(
            model, optimizer, WidenHead.model_validate({"path": "2", "to": 7, "rows": rows}), freeze_policy=NoFreezing()
        )

    assert torch.equal(model(inputs), before)
    assert list(model.state_dict()) == keys
    assert all(a is b for a, b in zip(model.parameters(), parameters, strict=True))
    assert "out_features=4" in repr(model.get_submodule("2"))

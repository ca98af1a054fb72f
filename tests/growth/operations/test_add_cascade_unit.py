"""Cascade correlation: units that are chosen and trained by what the network gets wrong."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.core.errors import ModulePathError, SpecError
from harness.core.seeding import generator
from harness.growth import (
    AddCascadeUnit,
    JoinTap,
    Probe,
    WidenHead,
    consolidate,
    grow,
    growth_state,
    load_grown,
    save_grown,
)
from harness.growth.operations.add_cascade_unit import covariances
from harness.initializers import LayerContext, TorchDefault
from harness.models.widened import output_parts

XOR = torch.tensor([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
ODD = torch.tensor([[-1.0], [1.0], [1.0], [-1.0]])


def fitted(model: nn.Module, inputs: Tensor, targets: Tensor) -> float:
    """Train what is not frozen until it fits best; return the squared error."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    search = torch.optim.LBFGS(trained, max_iter=200, line_search_fn="strong_wolfe")

    def error() -> Tensor:
        search.zero_grad()
        loss = functional.mse_loss(model(inputs), targets)
        loss.backward()
        return loss

    search.step(error)
    return functional.mse_loss(model(inputs), targets).item()


def test_a_covariance_is_that_of_the_paper() -> None:
    stream = np.random.default_rng(0)
    answers, wrong = stream.normal(size=(7, 3)), stream.normal(size=(7, 2))
    expected = [
        sum(
            abs(
                sum((answers[p, unit] - answers[:, unit].mean()) * (wrong[p, o] - wrong[:, o].mean()) for p in range(7))
            )
            for o in range(2)
        )
        / 7
        for unit in range(3)
    ]

    torch.testing.assert_close(covariances(torch.tensor(answers), torch.tensor(wrong)), torch.tensor(expected))


@pytest.mark.parametrize("seed", [0, 4, 9])  # from the last two, a unit's answers first vary with nothing that is wrong
def test_one_unit_lets_a_linear_network_learn_xor(seed: int) -> None:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(2, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    assert fitted(model, XOR, ODD) == pytest.approx(1.0)

    grow(model, optimizer, AddCascadeUnit(name="first", reader="0"), probe=Probe(XOR, ODD, nn.MSELoss()))

    assert fitted(model, XOR, ODD) < 1e-3


def test_the_unit_varies_with_the_residual_more_than_any_candidate_did_and_stands_still() -> None:
    torch.manual_seed(0)
    inputs = torch.randn(60, 3)
    targets = torch.stack([inputs[:, 0] * inputs[:, 1], inputs[:, 2].abs()], dim=1)
    model = nn.Sequential(nn.Linear(3, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    fitted(model, inputs, targets)
    residual = (targets - model(inputs)).detach().double()
    before, probe = model(inputs).detach(), Probe(inputs, targets, nn.MSELoss())
    drawn = copy.deepcopy(model)

    grow(model, optimizer, AddCascadeUnit(name="first", reader="0", candidates=5), probe=probe)
    grow(
        drawn,
        torch.optim.SGD(drawn.parameters()),
        AddCascadeUnit(name="a", reader="0", candidates=5, steps=0),
        probe=probe,
    )

    torch.testing.assert_close(model(inputs), before)
    unit, other = model.get_submodule("branches.first"), drawn.get_submodule("branches.a")
    trained, best_drawn = (float(covariances(each(inputs).double(), residual)) for each in (unit, other))
    rows = TorchDefault().values((5, 3), LayerContext(3, 1), generator(0, "growth", 1)).double()
    assert best_drawn == pytest.approx(float(covariances((inputs.double() @ rows.T).tanh(), residual).max()), rel=1e-4)
    assert trained > 1.2 * best_drawn > 0
    at_rest = {name: value.clone() for name, value in unit.state_dict().items()}
    for _ in range(3):
        optimizer.zero_grad()
        functional.mse_loss(model(inputs), targets).backward()
        optimizer.step()
    assert all(torch.equal(value, at_rest[name]) for name, value in unit.state_dict().items())
    assert model.get_parameter("0.weight")[:, 3].abs().min() > 0


def test_a_second_unit_reads_the_first_and_all_are_saved_and_widened_along(tmp_path: Path) -> None:
    torch.manual_seed(0)
    inputs, targets = torch.randn(20, 3), torch.randint(0, 2, (20,))
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    fresh, optimizer = copy.deepcopy(model), torch.optim.Adam(model.parameters(), lr=0.1)
    for name in ("first", "second"):
        grow(
            model,
            optimizer,
            AddCascadeUnit(name=name, reader="2", candidates=2, steps=20),
            probe=Probe(inputs, targets),
        )
        functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
    grow(model, optimizer, WidenHead(path="2", to=3))

    assert model.get_parameter("branches.second.incoming.weight").shape == (1, 5)
    features = torch.relu(model[0](inputs))
    first = model.get_submodule("branches.first")(features)
    second = model.get_submodule("branches.second")(torch.cat([features, first], dim=1))
    read = torch.cat([features, first, second], dim=1)
    weight, bias = (
        torch.cat([getattr(part, name) for part in output_parts(model, "2")]) for name in ("weight", "bias")
    )
    expected = read @ weight.T + bias
    torch.testing.assert_close(model(inputs), expected)
    save_grown(tmp_path, model)
    load_grown(tmp_path, fresh)
    assert torch.equal(fresh(inputs), model(inputs))
    twin = copy.deepcopy(model)
    with torch.no_grad():
        twin.get_parameter("branches.first.incoming.weight").zero_()
    torch.testing.assert_close(model(inputs), expected)
    consolidate(model)
    torch.testing.assert_close(model(inputs), expected)
    assert len(growth_state(model).lineage) == 3


@pytest.mark.parametrize(
    ("operation", "probe", "error", "message"),
    [
        (AddCascadeUnit(name="a", reader="1"), Probe(XOR, ODD, nn.MSELoss()), ModulePathError, "at '1', found Tanh"),
        (AddCascadeUnit(name="a", reader="0"), None, SpecError, "expected examples to train candidates on, found none"),
        (AddCascadeUnit(name="a", reader="0"), Probe(XOR), SpecError, "expected targets to find directions"),
    ],
)
def test_what_is_impossible_is_refused_and_nothing_changes(
    operation: AddCascadeUnit, probe: Probe | None, error: type[Exception], message: str
) -> None:
    model = nn.Sequential(nn.Linear(2, 1), nn.Tanh())

    with pytest.raises(error, match=message):
        operation.apply(model, probe=probe, generator=torch.Generator())

    assert not hasattr(model, "branches")
    assert not model[0]._forward_pre_hooks


def test_a_unit_is_named_once_and_is_no_tap() -> None:
    model = nn.Sequential(nn.Linear(2, 1))
    operation = AddCascadeUnit(name="a", reader="0", candidates=1, steps=0)
    operation.apply(model, probe=Probe(XOR), generator=torch.Generator())

    with pytest.raises(SpecError, match="expected a new name for the unit, found 'a', which exists"):
        operation.apply(model, probe=Probe(XOR), generator=torch.Generator())
    with pytest.raises(ModulePathError, match=r"found 'branches\.a', a unit of one layer"):
        JoinTap(path="0", tap="branches.a").apply(model, probe=Probe(XOR), generator=torch.Generator())

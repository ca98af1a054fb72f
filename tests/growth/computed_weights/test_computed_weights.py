"""Layers under weight norm and spectral norm grow like plain ones."""

import warnings
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from harness.core.errors import ModulePathError
from harness.growth import Probe, grow
from harness.growth.computed_weights import grown_as_plain
from harness.growth.operations import AlignRows, ResizeEmbedding, SplitClass, WidenHead, WidenLayer
from harness.growth.record import Carried, Growth
from harness.growth.units import RandomUnits
from harness.initializers import Constant, Zeros

INPUTS = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
Norm = Callable[[nn.Module], nn.Module]


def hooked(norm: Norm) -> Norm:
    def apply(layer: nn.Module) -> nn.Module:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # torch's own advice not to use these
            return norm(layer)

    return apply


WEIGHT_NORMS: dict[str, Norm] = {
    "weight norm": parametrizations.weight_norm,
    "weight norm of all": lambda layer: parametrizations.weight_norm(layer, dim=-1),
    "weight norm of inputs": lambda layer: parametrizations.weight_norm(layer, dim=1),
    "hook of weight norm": hooked(nn.utils.weight_norm),
}
NORMS = WEIGHT_NORMS | {
    "spectral norm": parametrizations.spectral_norm,
    "hook of spectral norm": hooked(nn.utils.spectral_norm),
}
by_norm = pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS.keys())


def network(norm: Norm) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 4)).train()
        norm(model[2])
        for _ in range(20):  # of the power method
            model(INPUTS)
    return model


def trained(model: nn.Module) -> torch.optim.Optimizer:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    step(model, optimizer)
    return optimizer


def step(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    model(INPUTS).square().sum().backward()
    optimizer.step()


@pytest.mark.parametrize("norm", WEIGHT_NORMS.values(), ids=WEIGHT_NORMS.keys())
def test_lengths_and_directions_get_rows_and_old_outputs_stay(norm: Norm) -> None:
    model = network(norm)
    optimizer = trained(model)
    before, kind, names = model(INPUTS), type(model[2]), list(model.state_dict())

    grow(model, optimizer, WidenHead(path="2", to=6, rows="in_place"))
    after = model(INPUTS)
    step(model, optimizer)

    torch.testing.assert_close(after[:, :4], before)
    assert type(model[2]) is kind
    assert list(model.state_dict()) == names
    assert after.shape == (5, 6)
    assert not torch.equal(model(INPUTS)[:, 4:], after[:, 4:])
    assert all(optimizer.state[parameter]["step"] == 2 for parameter in model.parameters())


@by_norm
def test_new_rows_of_their_own_leave_old_ones_to_the_bit(norm: Norm) -> None:
    model = network(norm).eval()
    optimizer = trained(model)
    before = model(INPUTS)

    grow(model, optimizer, WidenHead(path="2", to=6))

    assert torch.equal(model(INPUTS)[:, :4], before)
    step(model, optimizer)


@pytest.mark.parametrize("name", ["spectral norm", "hook of spectral norm"])
def test_rows_that_leave_the_largest_singular_value_grow_under_spectral_norm(name: str) -> None:
    model = network(NORMS[name])
    optimizer = trained(model)
    model.eval()
    before = model(INPUTS)

    grow(model, optimizer, WidenHead(path="2", to=6, rows="in_place", new_rows=Zeros()))
    after = model(INPUTS)
    in_training = model.train()(INPUTS)

    torch.testing.assert_close(after[:, :4], before)
    torch.testing.assert_close(in_training[:, :4], before, rtol=0.02, atol=0.02)
    step(model, optimizer)


@pytest.mark.parametrize("name", ["spectral norm", "hook of spectral norm"])
def test_rows_by_which_training_would_divide_all_weights_are_refused(name: str) -> None:
    model = network(NORMS[name])
    held, inputs = dict(model.state_dict(keep_vars=True)), INPUTS
    before, kind = model.eval()(inputs), type(model[2])

    with pytest.raises(ModulePathError, match=r"leave the largest singular value as it is, found 1\.\d+ times"):
        grow(model, torch.optim.SGD(model.parameters()), WidenHead(path="2", to=6, rows="in_place"))

    assert all(tensor is held[key] for key, tensor in model.state_dict(keep_vars=True).items())
    assert type(model[2]) is kind
    assert torch.equal(model(inputs), before)


def test_rows_without_a_direction_are_refused_under_weight_norm() -> None:
    model = network(parametrizations.weight_norm)
    held = list(model.parameters())

    with pytest.raises(ModulePathError, match="rows with a length at '2'"):
        grow(model, trained(model), WidenHead(path="2", to=6, rows="in_place", new_rows=Zeros()))

    assert all(a is b for a, b in zip(held, model.parameters(), strict=True))
    assert model[2].out_features == 4


@pytest.mark.parametrize("norm", WEIGHT_NORMS.values(), ids=WEIGHT_NORMS.keys())
def test_inputs_join_the_directions_of_rows(norm: Norm) -> None:
    model = network(norm)
    layer = model[2]
    assert isinstance(layer, nn.Linear)
    weight = layer.weight.detach().clone()

    def with_columns() -> Growth:
        old = layer.get_parameter("weight")
        new = nn.Parameter(torch.cat([old.detach()[:, :2], torch.ones(4, 1), old.detach()[:, 2:] * 0.5], dim=1))
        layer.weight = new
        kept = torch.tensor([0, 1, 3, 4, 5, 6])
        return Growth.between((), model, carried=(Carried(old, new, (slice(0, 4), kept), units=0),))

    growth = grown_as_plain(model, with_columns)
    computed = layer(torch.eye(7)).T - layer.bias[:, None]

    torch.testing.assert_close(computed[:, [0, 1]], weight[:, :2])
    torch.testing.assert_close(computed[:, 2], torch.ones(4))
    torch.testing.assert_close(computed[:, 3:], weight[:, 2:] * 0.5)
    assert sorted(item.new.numel() for item in growth.carried)[-1] == 28


@pytest.mark.parametrize(
    "operation",
    [
        SplitClass(path="2", parent=1, children=3, rows="in_place"),
        SplitClass(path="2", parent=1, children=3, noise=0.1),
        AlignRows(path="2", first=2),
    ],
)
def test_other_changes_of_rows_are_those_of_a_plain_layer(operation: SplitClass | AlignRows) -> None:
    model, plain = network(parametrizations.weight_norm), network(lambda layer: layer)

    for model_ in (model, plain):
        grow(model_, torch.optim.SGD(model_.parameters(), lr=0.1), operation)

    torch.testing.assert_close(model(INPUTS), plain(INPUTS))


def test_an_embedding_under_weight_norm_gets_more_rows() -> None:
    model = nn.Sequential(parametrizations.weight_norm(nn.Embedding(4, 3)))
    tokens = torch.tensor([0, 1, 2, 3])
    before = model(tokens)

    grow(
        model, torch.optim.SGD(model.parameters(), lr=0.1), ResizeEmbedding(path="0", to=6, new_rows=Constant(value=2))
    )

    torch.testing.assert_close(model(tokens), before)
    torch.testing.assert_close(model(torch.tensor([5])), torch.full((1, 3), 2.0))


@pytest.mark.parametrize("norm", WEIGHT_NORMS.values(), ids=WEIGHT_NORMS.keys())
def test_hidden_units_get_rows_before_and_columns_behind(norm: Norm) -> None:
    model = network(norm)
    norm(model[0])
    optimizer = trained(model)
    before = model(INPUTS)

    grow(model, optimizer, WidenLayer(path="0", by=2), probe=Probe(INPUTS))
    after = model(INPUTS)
    step(model, optimizer)

    torch.testing.assert_close(after, before)
    assert [vars(model[0])["out_features"], vars(model[2])["in_features"]] == [8, 8]


def test_channels_of_normed_convolutions_are_widened() -> None:
    norm = parametrizations.weight_norm
    model = nn.Sequential(
        norm(nn.ConvTranspose2d(1, 3, 3)), nn.BatchNorm2d(3), nn.ReLU(), norm(nn.Conv2d(3, 2, 3))
    ).eval()
    maps = torch.randn(2, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    before = model(maps)

    grow(model, torch.optim.SGD(model.parameters(), lr=0.1), WidenLayer(path="0", by=2), probe=Probe(maps))

    torch.testing.assert_close(model(maps), before)


def test_units_that_nothing_reads_yet_join_a_layer_under_spectral_norm() -> None:
    model = network(parametrizations.spectral_norm).eval()
    optimizer = trained(model)
    before = model(INPUTS)

    with pytest.raises(ModulePathError, match="largest singular value"):
        grow(model, optimizer, WidenLayer(path="0", by=2), probe=Probe(INPUTS))
    assert torch.equal(model(INPUTS), before)
    grow(model, optimizer, WidenLayer(path="0", by=2, method=RandomUnits()), probe=Probe(INPUTS))

    torch.testing.assert_close(model(INPUTS), before)

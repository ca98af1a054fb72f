"""Layers with a low-rank adapter grow like plain ones."""

import pytest
import torch
from torch import nn

from harness.benchmarks.adapted import AdaptedLinear
from harness.core.errors import ModulePathError
from harness.growth import Probe, grow
from harness.growth.computed_weights import grown_as_plain
from harness.growth.operations import AlignRows, WidenHead, WidenLayer
from harness.growth.record import Carried, Growth

INPUTS = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))


def network() -> tuple[nn.Sequential, torch.optim.Optimizer]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), AdaptedLinear(nn.Linear(6, 4), rank=2, alpha=6))
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=1e-2)
    model(INPUTS).square().sum().backward()
    optimizer.step()
    return model, optimizer


def test_the_base_and_the_matrix_that_writes_get_rows() -> None:
    model, optimizer = network()
    before, frozen = model(INPUTS), model.get_parameter("2.base_layer.weight").clone()

    grow(model, optimizer, WidenHead(path="2", to=6, rows="in_place"))
    after = model(INPUTS)
    after.square().sum().backward()
    optimizer.step()

    torch.testing.assert_close(after[:, :4], before)
    layer = model[2]
    assert isinstance(layer, AdaptedLinear)
    assert torch.equal(layer.base_layer.weight[:4], frozen)
    assert (layer.out_features, layer.base_layer.out_features) == (6, 6)
    assert layer.lora_B["default"].get_parameter("weight")[4:].abs().min() > 0  # learned from zero
    assert optimizer.state[layer.lora_B["default"].get_parameter("weight")]["step"] == 2


def test_inputs_go_to_the_matrix_that_reads() -> None:
    model, _ = network()
    layer = model[2]
    assert isinstance(layer, AdaptedLinear)
    weight = layer.base_layer.weight + layer.get_delta_weight("default")

    def with_column() -> Growth:
        old = model.get_parameter("2.weight")
        new = nn.Parameter(torch.cat([old.detach()[:, :2] * 0.5, torch.ones(4, 1), old.detach()[:, 2:]], dim=1))
        vars(model[2])["_parameters"]["weight"] = new
        kept = torch.tensor([0, 1, 3, 4, 5, 6])
        return Growth.between((), model, carried=(Carried(old, new, (slice(0, 4), kept)),))

    growth = grown_as_plain(model, with_column)
    computed = layer.base_layer.weight + layer.get_delta_weight("default")

    torch.testing.assert_close(computed[:, [0, 1]], weight[:, :2] * 0.5)
    torch.testing.assert_close(computed[:, 2], torch.ones(4))
    torch.testing.assert_close(computed[:, 3:], weight[:, 2:])
    assert sorted(tuple(item.new.shape) for item in growth.carried) == [(2, 7), (4, 7)]


def test_hidden_units_between_adapted_layers_are_widened() -> None:
    model, _ = network()
    model[0] = AdaptedLinear(nn.Linear(3, 6), rank=2, alpha=6)
    optimizer = torch.optim.SGD((p for p in model.parameters() if p.requires_grad), lr=0.1)
    before = model(INPUTS)

    growth = grow(model, optimizer, WidenLayer(path="0", by=2), probe=Probe(INPUTS)).growth

    torch.testing.assert_close(model(INPUTS), before)
    assert len(growth.carried) == 5  # two weights of bases, a bias, and one matrix of each adapter


def test_rows_that_change_change_in_the_base() -> None:
    model, optimizer = network()
    before = model(INPUTS)

    growth = grow(model, optimizer, AlignRows(path="2", first=2)).growth

    torch.testing.assert_close(model(INPUTS)[:, :2], before[:, :2])
    assert [item.new is model.get_parameter("2.base_layer.weight") for item in growth.carried] == [True]


def test_rows_of_their_own_would_wrap_the_adapter_and_are_refused() -> None:
    model, optimizer = network()
    held, layer = list(model.parameters()), model[2]

    with pytest.raises(ModulePathError, match="found that another would replace or wrap it; use rows='in_place'"):
        grow(model, optimizer, WidenHead(path="2", to=6))

    assert model[2] is layer
    assert all(a is b for a, b in zip(held, model.parameters(), strict=True))


def test_a_merged_adapter_is_refused_with_what_to_do() -> None:
    model, optimizer = network()
    vars(model[2])["merged"] = True

    with pytest.raises(ModulePathError, match="merge them first"):
        grow(model, optimizer, WidenHead(path="2", to=6, rows="in_place"))

"""Low-rank adapters are added and merged."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from harness.core.errors import ModulePathError, SpecError
from harness.growth import AddAdapter, MergeAdapter, OldParameters, Probe, WidenLayer, grow, load_grown, save_grown

ROWS = torch.tensor([[1.0, 2.0], [-1.0, 3.0]])
SEQUENCES = torch.randn(3, 5, 8, generator=torch.Generator().manual_seed(0))


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2))


def train(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int = 2) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        model(ROWS).square().sum().backward()
        optimizer.step()


def test_the_product_counts_alpha_over_rank_times() -> None:
    model = nn.Sequential(nn.Linear(2, 1, bias=False))
    before = model(ROWS)

    adapter = AddAdapter(layers=("0",), rank=2, alpha=6)
    adapter.apply(model, probe=Probe(ROWS), generator=torch.Generator())

    assert torch.equal(model(ROWS), before)
    with torch.no_grad():
        model.get_parameter("0.adapter.reading.weight").copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
        model.get_parameter("0.adapter.writing.weight").copy_(torch.tensor([[10.0, 100.0]]))
    # 3 times 10 x + 100 y.
    assert (model(ROWS) - before).flatten().tolist() == pytest.approx([3 * 210, 3 * 290])


def test_the_adapters_alone_are_trained_and_become_a_part_of_the_weights(tmp_path: Path) -> None:
    model, optimizer = network(), None
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    train(model, optimizer)
    old = {name: parameter.clone() for name, parameter in model.named_parameters()}
    moments = {k: v.clone() for k, v in optimizer.state[model.get_parameter("0.weight")].items()}

    grow(model, optimizer, AddAdapter(layers=("*",), rank=1), probe=Probe(ROWS), freeze_policy=OldParameters())
    train(model, optimizer)

    assert all(torch.equal(parameter, old[name]) for name, parameter in model.named_parameters() if name in old)
    expected = model(ROWS).detach()
    save_grown(tmp_path, model)
    fresh = network()
    load_grown(tmp_path, fresh)
    assert torch.equal(fresh(ROWS), expected)
    with torch.no_grad():
        copied = copy.deepcopy(model)
        copied.get_parameter("0.adapter.writing.weight").zero_()
    assert torch.equal(model(ROWS), expected)

    growth = grow(model, optimizer, MergeAdapter()).growth

    assert len(growth.gone) == 2 + 2 * 2
    assert [name for name, _ in model.named_parameters()] == list(old)
    torch.testing.assert_close(model(ROWS), expected)
    assert not torch.equal(model.get_parameter("0.weight"), old["0.weight"])
    kept = optimizer.state[model.get_parameter("0.weight")]
    assert all(torch.equal(kept[key], value) for key, value in moments.items())
    assert not model[0]._forward_hooks  # type: ignore[index]
    train(model, optimizer)


def test_a_layer_with_an_adapter_is_widened_with_it() -> None:
    model = network()
    AddAdapter(layers=("0", "2"), rank=1).apply(model, probe=Probe(ROWS), generator=torch.Generator())
    nn.init.ones_(model.get_parameter("0.adapter.writing.weight"))
    nn.init.ones_(model.get_parameter("2.adapter.writing.weight"))
    before = model(ROWS)

    widening = WidenLayer(path="0", by=2, together=("0.adapter.writing",))
    widening.apply(model, probe=Probe(ROWS), generator=torch.Generator())

    torch.testing.assert_close(model(ROWS), before)
    assert model.get_parameter("2.adapter.reading.weight").shape == (1, 5)


class Attention(nn.Module):
    """Torch's own attention, which uses the weights of its layers itself."""

    def __init__(self) -> None:
        super().__init__()
        self.attention, self.output = nn.MultiheadAttention(8, 2, batch_first=True), nn.Linear(8, 2)
        self.idle = nn.Linear(2, 2)

    def forward(self, rows: Tensor) -> Tensor:
        features, _ = self.attention(rows, rows, rows)
        logits: Tensor = self.output(features)
        return logits


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (("attention.out_proj",), "found that 'attention.out_proj' is not: .* within a module that uses its weight"),
        (("idle",), "found that 'idle' is not: it is unused"),
        (("output", "attention"), "expected linear layers, found none at 'attention'"),
    ],
)
def test_layers_that_cannot_have_one_are_refused_and_nothing_changes(layers: Any, message: str) -> None:
    model = Attention()
    names = [name for name, _ in model.named_modules()]

    with pytest.raises(ModulePathError, match=message):
        AddAdapter(layers=layers, rank=1).apply(model, probe=Probe(SEQUENCES), generator=torch.Generator())

    assert [name for name, _ in model.named_modules()] == names
    assert not model.output._forward_hooks


def test_names_are_given_once_and_only_what_is_there_is_merged() -> None:
    model = network()
    with pytest.raises(SpecError, match="expected adapters 'adapter', as AddAdapter makes them, found none"):
        MergeAdapter().apply(model, probe=None, generator=torch.Generator())
    for name in ("adapter", "second"):
        AddAdapter(layers=("0",), rank=1, name=name).apply(model, probe=Probe(ROWS), generator=torch.Generator())

    with pytest.raises(SpecError, match="expected a new name for an adapter of '0', found 'second', which exists"):
        AddAdapter(layers=("*",), rank=1, name="second").apply(model, probe=Probe(ROWS), generator=torch.Generator())
    MergeAdapter(name="second").apply(model, probe=None, generator=torch.Generator())

    assert "0.adapter.reading.weight" in dict(model.named_parameters())
    assert not hasattr(model[0], "second")  # type: ignore[index]


def test_a_tied_weight_is_not_merged() -> None:
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    model[1].weight = model[0].weight
    AddAdapter(layers=("0",), rank=1).apply(model, probe=Probe(ROWS), generator=torch.Generator())

    with pytest.raises(ModulePathError, match="expected '0' alone to hold its weight, found it tied"):
        MergeAdapter().apply(model, probe=None, generator=torch.Generator())

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.core.errors import ModulePathError
from harness.growth.layers import LinearLayer
from harness.growth.operations import InsertLayer
from harness.growth.probe import Probe
from harness.growth.tracing import Trace, trace
from harness.models import GrowableModel
from harness.models.head import Head
from harness.models.switched_off import SwitchedOff

INPUTS = torch.randn(4, 3)


class Branching(nn.Module):
    """Does one thing or the other, by what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        result: Tensor = self.fc(inputs) if inputs.sum() > 0 else -self.fc(inputs)
        return result


class AlwaysRandom(nn.Module):
    def forward(self, inputs: Tensor) -> Tensor:
        return functional.dropout(inputs, 0.5)


class Summing(nn.Module):
    """Adds two branches."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        result: Tensor = self.one(inputs) + self.other(inputs)
        return result


def calls(found: Trace) -> list[str]:
    return [str(node.target) for node in found.graph.nodes if node.op == "call_module"]


def test_the_values_are_those_of_a_quiet_forward_pass() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.Dropout(0.5))
    stream = torch.get_rng_state()

    found = trace(model, INPUTS)

    node = next(node for node in found.graph.nodes if str(node.target) == "model.2")
    assert torch.equal(found.values[node], model.eval()(INPUTS))
    assert calls(found) == ["model.0", "model.1", "model.2"]
    assert not model.get_buffer("1.running_mean").any()
    assert torch.equal(torch.get_rng_state(), stream)


def test_a_node_can_be_computed_again_with_other_values() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    found = trace(model, INPUTS)
    first, second = (node for node in found.graph.nodes if node.op == "call_module")

    result = found.compute(second, {**found.values, first: -torch.ones(1, 2)})

    assert torch.equal(result, torch.zeros(1, 2))
    assert found.module(second) is model[1]
    assert found.module(next(iter(found.graph.nodes))) is None


def test_heads_are_part_of_it_also_those_that_are_off(conv_model: GrowableModel, images: Tensor) -> None:
    conv_model.attach("late", Head((6, 3, 2)), "blocks.1")
    conv_model.attach("off", Head((7, 2)), "hidden")
    conv_model.switch("off", on=False)
    conv_model.switch("known", on=False)

    found = calls(trace(conv_model, images))

    assert {"model.heads.late.layers.0", "model.heads.off.output", "model.backbone.output"} <= set(found)


def test_inserted_layers_are_part_of_it_also_those_that_are_off() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.LSTM(2, 2), nn.Flatten())
    model[2] = nn.Identity()
    for after, flag in [("0", None), ("1", "extra")]:
        InsertLayer(after=after, layer=LinearLayer(), function="random", flag=flag, on=flag is None).apply(
            model, probe=Probe(INPUTS), generator=torch.Generator()
        )

    found = calls(trace(model, INPUTS))

    assert found == ["model.0", "model.0.inserted.layer.linear", "model.1", "model.1.inserted.layer.linear", "model.2"]


def test_a_branch_that_is_off_is_part_of_it() -> None:
    model = Summing()
    model.other = SwitchedOff(model.other)  # type: ignore[assignment]

    assert calls(trace(model, INPUTS)) == ["model.one", "model.other.branch"]


def test_hooks_are_not_called_by_it() -> None:
    heard: list[Any] = []
    model = nn.Sequential(nn.Sequential(nn.Linear(3, 2)), nn.ReLU())
    for module in model.modules():
        module.register_forward_hook(lambda *call: heard.append(type(call[2])))

    trace(model, INPUTS)

    assert heard == [Tensor] * 4  # by the one real forward pass


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Branching(), "expected a network that torch.fx can trace, found that Branching is none: .*control flow"),
        (AlwaysRandom(), "a forward hook or a random choice changes them"),
    ],
)
def test_a_network_that_cannot_be_traced_is_refused_in_one_line(model: nn.Module, message: str) -> None:
    with pytest.raises(ModulePathError, match=message) as refusal:
        trace(model, INPUTS)

    assert "\n" not in str(refusal.value)


def test_a_hook_that_changes_what_is_computed_is_noticed() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    model[0].register_forward_hook(lambda _module, _inputs, output: output + 1)

    with pytest.raises(ModulePathError, match="a forward hook"):
        trace(model, INPUTS)


class Keeping(nn.Module):
    """Keeps what it computes."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 3)
        self.features: Tensor | None = None
        self.all: list[Tensor] = []

    def forward(self, inputs: Tensor) -> Tensor:
        """Map `[B, 4]` to `[B, 3]`."""
        self.features = self.fc(inputs)
        self.all.append(self.features)
        return self.features


def test_nothing_of_the_graph_stays_behind_in_the_network() -> None:
    model, inputs = Keeping(), torch.randn(2, 4)
    before = model(inputs)

    trace(model, inputs)

    assert model.features is before
    assert len(model.all) == 1

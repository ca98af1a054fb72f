import pytest
import torch
from torch import nn

from harness.benchmarks.adapted import AdaptedLinear
from harness.core.errors import InputError, ModulePathError, SpecError
from harness.growth import grow
from harness.growth.operations import RaiseRank
from harness.initializers import Constant

INPUTS = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))


def network() -> tuple[nn.Sequential, torch.optim.Optimizer]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = [AdaptedLinear(nn.Linear(3, 4), rank=2, alpha=6), AdaptedLinear(nn.Linear(4, 4), rank=2, alpha=6)]
    model = nn.Sequential(*layers)
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=1e-2)
    model(INPUTS).square().sum().backward()
    optimizer.step()
    return model, optimizer


def test_outputs_and_scaling_stay_and_all_that_is_new_learns() -> None:
    model, optimizer = network()
    before = model(INPUTS)

    grow(model, optimizer, RaiseRank(to=5))
    after = model(INPUTS)
    for _ in range(2):
        model(INPUTS).square().sum().backward()
        optimizer.step()

    torch.testing.assert_close(after, before)
    layer = model[0]
    assert isinstance(layer, AdaptedLinear)
    assert (layer.r, layer.lora_alpha, layer.scaling) == ({"default": 5}, {"default": 15}, {"default": 3.0})
    assert layer.lora_B["default"].get_parameter("weight").shape == (4, 5)
    assert layer.lora_B["default"].get_parameter("weight")[:, 2:].abs().min() > 0
    assert [vars(layer.lora_A["default"])["out_features"], vars(layer.lora_B["default"])["in_features"]] == [5, 5]


def test_moments_are_carried_and_new_rows_are_filled() -> None:
    model, optimizer = network()
    moments = optimizer.state[model.get_parameter("0.lora_B.default.weight")]["exp_avg"].clone()

    grow(model, optimizer, RaiseRank(to=3, path="0", new_rows=Constant(value=2)))

    reading, writing = (model.get_parameter(f"0.lora_{name}.default.weight") for name in "AB")
    assert reading[2:].tolist() == [[2.0] * 3]
    assert torch.equal(optimizer.state[writing]["exp_avg"], torch.cat([moments, torch.zeros(4, 1)], dim=1))
    assert model.get_parameter("1.lora_A.default.weight").shape == (2, 4)


@pytest.mark.parametrize(
    ("operation", "error", "message"),
    [
        (RaiseRank(to=2), SpecError, "to exceed the rank at '0', found 2"),
        (RaiseRank(to=3, adapter="defaults"), ModulePathError, "Did you mean 'default'"),
        (RaiseRank(to=3, path="0.base_layer"), ModulePathError, "no layer with a LoRA adapter"),
    ],
)
def test_what_has_no_rank_to_raise_is_refused(operation: RaiseRank, error: type[InputError], message: str) -> None:
    model, optimizer = network()

    with pytest.raises(error, match=message):
        grow(model, optimizer, operation)


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [("merged_adapters", ["default"], "found it merged"), ("lora_variant", {"default": 1.0}, "found a float")],
)
def test_an_adapter_that_is_merged_or_special_is_refused(attribute: str, value: object, message: str) -> None:
    model, optimizer = network()
    vars(model[1])[attribute] = value

    with pytest.raises(ModulePathError, match=message):
        grow(model, optimizer, RaiseRank(to=3))

    assert model.get_parameter("0.lora_A.default.weight").shape == (2, 3)

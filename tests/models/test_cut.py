from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from harness.models import GrowableModel, Head
from harness.models.cut import find_cut

INPUTS = torch.randn(6, 1, 8, 8, generator=torch.Generator().manual_seed(3))


class Residual(nn.Module):
    """No `Sequential`, and a dict with a number for each example."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(64, 64)
        self.second = nn.Linear(64, 3)
        self.per_example = True

    def forward(self, inputs: Tensor) -> dict[str, Tensor]:
        flat = inputs.flatten(1)
        hidden = flat + self.first(flat).relu()
        error = hidden.pow(2).mean(dim=1)
        return {"known": self.second(hidden), "error": error if self.per_example else error.mean()}


def frozen(module: nn.Module) -> nn.Module:
    return module.requires_grad_(False).eval()


def convolutions(*, inplace: bool = False) -> nn.Sequential:
    blocks = nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace)),
        nn.Sequential(nn.Conv2d(4, 5, 3), nn.ReLU(inplace), nn.Dropout(0.4)),
    )
    named = {"blocks": blocks, "flatten": nn.Flatten(), "hidden": nn.Linear(80, 7), "output": nn.Linear(7, 3)}
    backbone = nn.Sequential()
    for name, module in named.items():
        backbone.add_module(name, module)
    return backbone


def with_heads(backbone: nn.Module, taps: dict[str, int]) -> GrowableModel:
    model = GrowableModel(backbone, "known")
    for tap, features in taps.items():
        model.attach(f"at {tap}".replace(".", " "), Head((features, 2)), tap)
    return model.train()


TAPS = {"blocks.0": 4, "blocks.0.1": 4, "blocks": 5, "hidden": 7, "blocks.1.0": 5}


def assert_same(model: GrowableModel) -> None:
    """Outputs and gradients of heads are the same to the bit, with the same random numbers."""
    cut = find_cut(model, INPUTS)
    assert cut is not None
    with torch.no_grad():
        features = cut.features(INPUTS)
    assert features is not None
    results = []
    for forward in (lambda: model(INPUTS), lambda: cut.outputs({n: f.clone() for n, f in features.items()})):
        torch.manual_seed(5)
        outputs: dict[str, Tensor] = forward()
        learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
        total = torch.stack([output.sum() for output in outputs.values() if output.requires_grad]).sum()
        results.append((outputs, torch.autograd.grad(total, learned, allow_unused=True)))
    (outputs, gradients), (again, gradients_again) = results
    assert list(outputs) == list(again)
    assert all(torch.equal(outputs[name], again[name]) for name in outputs)
    assert all(a is b or torch.equal(a, b) for a, b in zip(gradients, gradients_again, strict=True))


@pytest.mark.parametrize("inplace", [False, True])
def test_a_whole_backbone_lies_below(inplace: bool) -> None:
    backbone = frozen(convolutions(inplace=inplace))
    model = with_heads(backbone, TAPS)
    backbone.eval()

    assert_same(model)
    cut = find_cut(model, INPUTS)
    assert cut is not None
    assert {id(p) for p in cut.below.parameters()} == {id(p) for p in backbone.parameters()}


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("height", [["blocks.0"], ["blocks.0", "blocks.1"], ["blocks.0", "blocks.1", "hidden"]])
def test_the_frozen_beginning_of_a_sequential_lies_below(height: list[str], inplace: bool) -> None:
    backbone = convolutions(inplace=inplace)
    model = with_heads(backbone, TAPS)
    for path in height:
        frozen(backbone.get_submodule(path))

    assert_same(model)
    cut = find_cut(model, INPUTS)
    assert cut is not None
    held = {id(p) for path in height for p in backbone.get_submodule(path).parameters()}
    assert {id(p) for p in cut.below.parameters()} == held


def test_layers_that_are_called_twice_lie_below_as_often() -> None:
    activation, twice = nn.Tanh(), nn.Linear(64, 64)
    backbone = nn.Sequential(nn.Flatten(), twice, activation, twice, activation, nn.Linear(64, 3))
    model = with_heads(backbone, {"0": 64})
    frozen(twice)

    assert_same(model)


@pytest.mark.parametrize("tap", ["1", "2", "4"])
def test_a_head_that_reads_a_layer_that_is_called_twice_prevents_a_cut(tap: str) -> None:
    activation, twice = nn.Tanh(), nn.Linear(64, 64)
    backbone = nn.Sequential(nn.Flatten(), twice, activation, twice, activation, nn.Linear(64, 3))
    model = with_heads(backbone, {tap: 64})
    frozen(twice)

    assert find_cut(model, INPUTS) is None


def test_any_backbone_and_a_dict_of_outputs_will_do() -> None:
    backbone = frozen(Residual())
    model = with_heads(backbone, {"first": 64})
    backbone.eval()

    assert_same(model)


def learning(model: GrowableModel) -> None:
    model.train().requires_grad_(True)


def in_train_mode(model: GrowableModel) -> None:
    frozen(model.backbone).train()


def with_dropout_first(model: GrowableModel) -> None:
    frozen(model.backbone)
    model.get_submodule("backbone.output").requires_grad_(True)
    model.backbone = nn.Sequential(nn.Dropout(0.5), model.backbone)
    model.taps.clear()
    model.heads.clear()


def with_a_hook(model: GrowableModel) -> None:
    frozen(model.backbone)
    model.get_submodule("backbone.output").requires_grad_(True)
    model.backbone.register_forward_hook(lambda *_: None)


def with_a_summed_output(model: GrowableModel) -> None:
    backbone = Residual()
    backbone.per_example = False
    model.backbone = frozen(backbone)
    model.heads.clear()
    model.taps.clear()


@pytest.mark.parametrize("change", [learning, in_train_mode, with_dropout_first, with_a_hook, with_a_summed_output])
def test_there_is_no_cut_where_nothing_stands_still(change: Callable[[GrowableModel], None]) -> None:
    model = with_heads(convolutions(), TAPS)

    change(model)

    assert find_cut(model, INPUTS) is None

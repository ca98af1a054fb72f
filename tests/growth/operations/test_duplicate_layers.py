import copy

import pytest
import torch
from torch import Tensor, nn

from harness.core.errors import HarnessError, ModulePathError, SpecError
from harness.growth import Probe, grow
from harness.growth.operations import DuplicateLayers
from harness.growth.record import Growth

INPUTS = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0))


class Block(nn.Module):
    """Adds to a residual stream."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(8)
        self.up = nn.Linear(8, 16)
        self.down = nn.Linear(16, 8)

    def forward(self, stream: Tensor) -> Tensor:
        added: Tensor = self.down(self.up(self.norm(stream)).relu())
        return stream + added


class Residual(nn.Module):
    """Blocks that are called one after another, or the first two alone."""

    def __init__(self, *, all_called: bool = True) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Block(), Block()])
        self.all_called = all_called

    def forward(self, stream: Tensor) -> Tensor:
        for block in self.blocks if self.all_called else self.blocks[:2]:
            stream = block(stream)
        return stream


def apply(model: nn.Module, operation: DuplicateLayers) -> Growth:
    return operation.apply(model, probe=Probe(INPUTS), generator=torch.Generator())


def trained(model: nn.Module) -> torch.optim.Optimizer:
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    model(INPUTS).square().sum().backward()
    optimizer.step()
    return optimizer


@pytest.mark.parametrize(("order", "expected"), [("stack", [0, 1, 0, 1]), ("interleave", [0, 0, 1, 1])])
def test_copies_are_stacked_or_interleaved(order: str, expected: list[int]) -> None:
    model = Residual()
    old = list(model.blocks)

    growth = apply(model, DuplicateLayers.model_validate({"path": "blocks", "order": order}))

    weights = [block.get_parameter("up.weight") for block in old]
    new = [block.get_parameter("up.weight") for block in model.blocks]
    assert [[torch.equal(weight, old_weight) for old_weight in weights].index(True) for weight in new] == expected
    assert sum(any(block is old_block for old_block in old) for block in model.blocks) == 2
    assert len(growth.born) == len(growth.copied) == 12


def test_some_layers_are_copied_in_the_middle() -> None:
    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3))

    apply(model, DuplicateLayers(path="", layers=(0, 1)))

    assert [type(layer).__name__ for layer in model] == ["Linear", "ReLU", "Linear", "ReLU", "Linear"]


def test_a_copy_goes_on_with_the_moments_of_its_original() -> None:
    model = Residual()
    optimizer = trained(model)

    grow(model, optimizer, DuplicateLayers(path="blocks"), probe=Probe(INPUTS))

    old, new = (model.blocks[index].get_parameter("up.weight") for index in (0, 2))
    assert len(optimizer.param_groups) == 1
    assert all(torch.equal(optimizer.state[old][key], value) for key, value in optimizer.state[new].items())
    assert optimizer.state[old]["exp_avg"] is not optimizer.state[new]["exp_avg"]


def test_a_copy_may_begin_without_moments_in_a_group_of_its_own() -> None:
    model = Residual()
    optimizer = trained(model)

    grow(model, optimizer, DuplicateLayers(path="blocks", moments="fresh"), probe=Probe(INPUTS), lr_factor=0.5)

    assert [len(group["params"]) for group in optimizer.param_groups] == [12, 12]
    assert optimizer.param_groups[1]["lr"] == 0.05
    assert model.blocks[2].get_parameter("up.weight") not in optimizer.state


@pytest.mark.parametrize("order", ["stack", "interleave"])
def test_a_copy_that_adds_nothing_yet_keeps_what_the_network_computes_and_learns(order: str) -> None:
    model = Residual()
    optimizer, before = trained(model), model(INPUTS)
    operation = DuplicateLayers.model_validate({"path": "blocks", "order": order, "zeroed": ["down"]})

    grow(model, optimizer, operation, probe=Probe(INPUTS))
    after = model(INPUTS)
    (after - 1).square().sum().backward()

    copied = model.blocks[2 if order == "stack" else 1]
    torch.testing.assert_close(after, before)
    gradient = copied.get_parameter("down.weight").grad
    assert gradient is not None
    assert gradient.abs().sum() > 0
    assert [len(group["params"]) for group in optimizer.param_groups] == [20, 4]


def test_torch_s_own_encoder_gets_more_layers() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    model = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    apply(model, DuplicateLayers(path="layers"))

    assert (len(model.layers), model.num_layers) == (4, 4)
    assert model(INPUTS).shape == INPUTS.shape


@pytest.mark.parametrize(
    ("model", "operation", "error", "message"),
    [
        (Residual(), {"layers": (2,)}, SpecError, "layers below 2, as many as 'blocks' has, found 2"),
        (Residual(), {"path": "blocks.0"}, ModulePathError, "There are: blocks"),
        (Residual(), {"zeroed": ("dawn",)}, ModulePathError, "Did you mean 'down'"),
        (Residual(), {"zeroed": ("norm",)}, ModulePathError, "found another output; name all"),
        (Residual(all_called=False), {}, ModulePathError, "does not call the copy of layer 0"),
        (nn.Sequential(nn.Linear(8, 4)), {"path": ""}, ModulePathError, "found that it cannot: mat1 and mat2"),
    ],
)
def test_what_cannot_be_copied_is_refused_and_nothing_changes(
    model: nn.Module, operation: dict[str, object], error: type[HarnessError], message: str
) -> None:
    model = copy.deepcopy(model)
    held = dict(model.named_modules())

    with pytest.raises(error, match=message):
        apply(model, DuplicateLayers.model_validate({"path": "blocks", **operation}))

    assert dict(model.named_modules()) == held


def test_no_layer_is_copied_twice_at_once() -> None:
    with pytest.raises(ValueError, match=r"each once, found \[0, 0\]"):
        DuplicateLayers(path="blocks", layers=(0, 0))

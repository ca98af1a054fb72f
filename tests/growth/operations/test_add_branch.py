"""Networks beside a network, and layers that read several taps."""

import copy
import io
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from harness.core.errors import ModulePathError, SpecError, TapNotFoundError
from harness.growth import (
    AbstractOperation,
    AddBranch,
    AttachHead,
    JoinTap,
    Probe,
    PruneUnits,
    WidenHead,
    WidenLayer,
    consolidate,
    grow,
    load_grown,
    save_grown,
)
from harness.models import GrowableModel

IMAGES = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))
ROWS = torch.tensor([[1.0, 2.0], [-1.0, 3.0]])


class Plain(nn.Module):
    """A network that nobody here wrote: layers by name, functions between them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)
        self.hidden, self.fc = nn.Linear(4 * 64, 6), nn.Linear(6, 5)

    def forward(self, images: Tensor) -> Tensor:
        maps = torch.relu(self.norm(self.conv(images)))
        logits: Tensor = self.fc(torch.relu(self.hidden(maps.flatten(1))))
        return logits


def by_hand() -> nn.Sequential:
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 1))
    with torch.no_grad():
        model.get_parameter("0.weight").copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
        model.get_parameter("2.weight").copy_(torch.tensor([[1.0, 10.0]]))
        model.get_parameter("2.bias").copy_(torch.tensor([0.5]))
    return model


def apply(operation: AbstractOperation, model: nn.Module, batch: Tensor = IMAGES) -> None:
    operation.apply(model, probe=Probe(batch), generator=torch.Generator().manual_seed(5))


def test_new_columns_read_the_features_of_the_branch() -> None:
    model = by_hand()
    before = model(ROWS)

    apply(AddBranch(name="second", readers=("2",)), model, ROWS)

    assert torch.equal(model(ROWS), before)
    assert model.get_parameter("2.weight").tolist() == [[1.0, 10.0, 0.0, 0.0]]
    with torch.no_grad():
        model.get_parameter("branches.second.network.0.weight").mul_(2)
        model.get_parameter("2.weight")[0, 2:] = torch.tensor([100.0, 1000.0])
    # Features are (1, 2) and (0, 3); those of the branch twice as much.
    assert model(ROWS).flatten().tolist() == [21.5 + 200 + 4000, 30.5 + 0 + 6000]


def test_a_layer_reads_a_second_tap() -> None:
    model = by_hand()
    before = model(ROWS)

    apply(JoinTap(path="2", tap="0"), model, ROWS)

    assert torch.equal(model(ROWS), before)
    with torch.no_grad():
        model.get_parameter("2.weight")[0, 2:] = torch.tensor([100.0, 0.0])
    # Before the ReLU the first feature is 1 and -1.
    assert model(ROWS).flatten().tolist() == [21.5 + 100, 30.5 - 100]


def test_maps_are_pooled_for_a_layer_that_reads_rows() -> None:
    torch.manual_seed(0)
    model = Plain().eval()

    apply(JoinTap(path="fc", tap="conv"), model)

    with torch.no_grad():
        model.fc.weight[:, 6:] = 1.0
    expected = (
        model.fc.weight[:, :6] @ torch.relu(model.hidden(torch.relu(model.norm(model.conv(IMAGES))).flatten(1))).T
    )
    means = model.conv(IMAGES).mean((2, 3)).sum(1)
    torch.testing.assert_close(model(IMAGES), expected.T + model.fc.bias + means[:, None])


GROWTHS: list[AbstractOperation] = [
    AddBranch(name="second", readers=("fc",), values="drawn"),
    WidenHead(path="fc", to=7),
    JoinTap(path="fc", tap="conv"),
    AddBranch(name="third", readers=("fc",)),
    JoinTap(path="branches.third.network.hidden", tap="hidden"),
    WidenLayer(path="hidden", by=2),
    PruneUnits(path="branches.second.network.conv", by=1),
    WidenHead(path="fc", to=8, rows="in_place"),
]


def test_it_goes_on_growing_is_copied_loaded_and_made_plain(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Plain()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for operation in GROWTHS:
        old = model.eval()(IMAGES).detach()
        growth = grow(model, optimizer, operation, probe=Probe(IMAGES)).growth
        if not isinstance(operation, PruneUnits):
            torch.testing.assert_close(model(IMAGES)[:, : old.shape[1]], old)
        for item in growth.carried:
            assert torch.equal(item.new[item.region], item.old[item.source]) or isinstance(operation, WidenLayer)
        for _ in range(2):
            optimizer.zero_grad()
            model.train()(IMAGES).square().mean().backward()
            optimizer.step()
        assert all(p.grad is not None and p.grad.any() for p in model.parameters())

    expected = model.eval()(IMAGES)
    save_grown(tmp_path, model)
    torch.manual_seed(1)
    loaded = Plain()
    load_grown(tmp_path, loaded)
    stream = io.BytesIO()
    torch.save(model, stream)
    stream.seek(0)
    twin = copy.deepcopy(model)
    for other in (loaded.eval(), twin, torch.load(stream, weights_only=False)):
        assert torch.equal(other(IMAGES), expected)
    with torch.no_grad():
        twin.get_parameter("branches.second.network.hidden.weight").zero_()
    assert torch.equal(model(IMAGES), expected)
    consolidate(model, optimizer)
    assert type(model.fc) is nn.Linear
    torch.testing.assert_close(model(IMAGES), expected)


def test_heads_read_a_branch_and_one_of_its_own_is_an_auxiliary_head(conv_model: GrowableModel, images: Tensor) -> None:
    apply(AttachHead(name="late", outputs=2, tap="blocks.1"), conv_model, images)
    before = conv_model.eval()(images)

    apply(AddBranch(name="second", readers=("output", "heads.late.output")), conv_model, images)
    apply(AttachHead(name="auxiliary", outputs=4, tap="branches.second"), conv_model, images)

    after = conv_model(images)
    assert all(torch.allclose(after[name], before[name], atol=1e-6) for name in before)
    assert conv_model.heads["late"].get_parameter("output.weight").shape == (2, 6 + 7)
    assert after["auxiliary"].shape == (5, 4)
    (after["late"].sum() + after["auxiliary"].sum()).backward()
    assert conv_model.get_parameter("backbone.branches.second.network.hidden.linear.weight").grad is not None


@pytest.mark.parametrize("values", ["copied", "drawn"])
def test_values_are_those_of_the_network_or_drawn(values: Any) -> None:
    torch.manual_seed(0)
    model = Plain()
    model.conv.requires_grad_(False)

    apply(AddBranch(name="second", readers=("fc",), values=values), model)

    own, new = model.conv.weight, model.get_parameter("branches.second.network.conv.weight")
    assert torch.equal(own, new) == (values == "copied")
    assert new.requires_grad
    assert not own.requires_grad


@pytest.mark.parametrize(
    ("operation", "error", "message"),
    [
        (AddBranch(name="a", readers=("norm",)), ModulePathError, "expected nn.Linear or nn.Conv2d at 'norm', found"),
        (AddBranch(name="a", readers=("conv",)), ModulePathError, "expected nn.Linear at 'conv', found Conv2d"),
        (AddBranch(name="a", readers=("hidden", "late")), ModulePathError, "no module 'late' in Plain"),
        (JoinTap(path="fc", tap="fc.nothing"), TapNotFoundError, "no tap 'fc.nothing' in Plain"),
        (JoinTap(path="hidden", tap="fc"), ModulePathError, "expected the module 'fc' to be called before what reads"),
    ],
)
def test_what_cannot_join_is_refused_and_nothing_changes(
    operation: AbstractOperation, error: type[Exception], message: str
) -> None:
    model = Plain()
    held = {name: id(tensor) for name, tensor in model.named_parameters()}

    with pytest.raises(error, match=message):
        apply(operation, model)

    assert {name: id(tensor) for name, tensor in model.named_parameters()} == held
    assert not hasattr(model, "branches")
    assert not model._forward_pre_hooks


class Tied(nn.Module):
    """A language model whose output layer is its embedding; with a parameter of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.start = nn.Embedding(5, 4), nn.Parameter(torch.zeros(4))
        self.output = nn.Linear(4, 5, bias=False)
        self.output.weight = self.tokens.weight
        self.own = nn.Linear(4, 2)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        features = self.tokens(tokens) + self.start
        return self.output(features), self.own(features)


def test_tied_rows_and_values_that_nobody_draws_are_refused() -> None:
    tokens = torch.randint(0, 5, (2, 3))
    with pytest.raises(ModulePathError, match=r"alone to hold its weight, found it in 'tokens\.weight' too"):
        apply(AddBranch(name="second", readers=("output",)), Tied(), tokens)
    with pytest.raises(ModulePathError, match=r"reset_parameters to draw their values, found '' \(Tied\) without"):
        apply(AddBranch(name="second", readers=("own",), values="drawn"), Tied(), tokens)

    model = Tied()
    apply(AddBranch(name="second", readers=("own",)), model, tokens)

    assert model.own.in_features == 8
    assert model.get_parameter("branches.second.network.output.weight") is model.get_parameter(
        "branches.second.network.tokens.weight"
    )


def test_a_name_is_given_once() -> None:
    model = Plain()
    apply(AddBranch(name="second", readers=("fc",)), model)

    with pytest.raises(SpecError, match="expected a new name for the branch, found 'second', which exists"):
        apply(AddBranch(name="second", readers=("fc",)), model)


def test_a_compiled_network_computes_the_same() -> None:
    model = Plain().eval()
    apply(AddBranch(name="second", readers=("fc",)), model)
    with torch.no_grad():
        model.fc.weight[:, 6:] = 1.0

    compiled = torch.compile(model, backend="eager", fullgraph=True)

    for images in (IMAGES, IMAGES.flip(0)):  # nothing of the call before
        torch.testing.assert_close(compiled(images), model(images))

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from harness.core.errors import ModulePathError, SpecError
from harness.growth import AttachHead, GrowthEvent, NoFreezing, Probe, PruneUnits, WidenLayer, grow
from harness.growth.lineage import Change, replay
from harness.growth.scores import ActivationScore, MagnitudeScore
from harness.models import GrowableModel
from tests.growth.spaces import networks

IMAGES = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))
ROWS = torch.randn(4, 6, generator=torch.Generator().manual_seed(2))
TOKENS = torch.randint(0, 20, (4, 7), generator=torch.Generator().manual_seed(4))


def linear(*values: list[list[float]] | list[float]) -> nn.Linear:
    weight = torch.tensor(values[0])
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    layer.weight = nn.Parameter(weight)
    layer.bias = nn.Parameter(torch.tensor(values[1]))
    return layer


def by_hand() -> nn.Sequential:
    """Three units, the second with the smallest weights."""
    first = linear([[1.0, 2.0], [0.5, 0.5], [3.0, -1.0]], [0.0, 1.0, 2.0])
    return nn.Sequential(first, nn.ReLU(), linear([[1.0, 10.0, 2.0]], [0.5]))


def test_the_unit_with_the_smallest_weights_leaves_with_its_column() -> None:
    model, rows = by_hand(), torch.tensor([[1.0, 1.0], [2.0, 0.0]])

    PruneUnits(path="0", by=1).apply(model, probe=Probe(rows), generator=torch.Generator())

    assert model.get_parameter("0.weight").tolist() == [[1.0, 2.0], [3.0, -1.0]]
    assert model.get_parameter("0.bias").tolist() == [0.0, 2.0]
    assert model.get_parameter("2.weight").tolist() == [[1.0, 2.0]]
    assert model(rows).tolist() == [[3.0 + 2 * 4 + 0.5], [2.0 + 2 * 8 + 0.5]]


def test_a_mean_goes_to_the_bias_of_what_read_it() -> None:
    model, rows = by_hand(), torch.tensor([[1.0, 1.0], [3.0, 1.0]])

    PruneUnits(path="0", by=1, fill="mean").apply(model, probe=Probe(rows), generator=torch.Generator())

    # The unit answers 2 and 3: 10 times 2.5 is what its reader goes on with.
    assert model.get_parameter("2.bias").tolist() == [25.5]


@contextmanager
def without(model: nn.Module, path: str, units: list[int], dim: int = -1) -> Iterator[None]:
    """Let the layer at `path` read zeros in place of `units`."""

    def silence(_module: nn.Module, args: tuple[Tensor]) -> Tensor:
        return args[0].index_fill(dim, torch.tensor(units), 0)

    handle = model.get_submodule(path).register_forward_pre_hook(silence)
    try:
        yield
    finally:
        handle.remove()


def normed() -> nn.Module:
    return nn.Sequential(weight_norm(nn.Linear(6, 5)), nn.Tanh(), weight_norm(nn.Linear(5, 3)))


CASES: list[tuple[str, Callable[[], nn.Module], Tensor, dict[str, Any], tuple[str, list[int], int]]] = [
    ("norm", networks.ResNet, IMAGES, {"path": "first.0.one", "units": (0, 5)}, ("first.0.two", [0, 5], 1)),
    ("cat", networks.UNet, IMAGES, {"path": "up", "units": (1, 2)}, ("joined", [7, 8], 1)),
    ("rows", networks.Decoder, TOKENS, {"path": "up", "units": (3,)}, ("down", [3], -1)),
    ("weight norm", normed, ROWS, {"path": "0", "units": (1, 4)}, ("2", [1, 4], -1)),
    ("depthwise", networks.Inverted, IMAGES, {"path": "expand", "units": (2,), "together": "all"}, ("project", [2], 1)),
]


@pytest.mark.parametrize(
    ("build", "batch", "fields", "silent"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_the_network_computes_what_it_did_with_zeros_in_their_place(
    build: Callable[[], nn.Module], batch: Tensor, fields: dict[str, Any], silent: tuple[str, list[int], int]
) -> None:
    torch.manual_seed(0)
    model = build().eval()
    with without(model, *silent), torch.no_grad():
        expected = model(batch)
    size = sum(p.numel() for p in model.parameters())

    PruneUnits(**fields).apply(model, probe=Probe(batch), generator=torch.Generator())

    torch.testing.assert_close(model(batch), expected)
    assert sum(p.numel() for p in model.parameters()) < size


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.AdamW, torch.optim.Rprop])
def test_units_that_stay_keep_their_moments_and_gradients_to_the_bit(kind: Any) -> None:
    torch.manual_seed(0)
    model = networks.ResNet()
    optimizer = kind(model.parameters(), lr=0.01, **({"momentum": 0.9} if kind is torch.optim.SGD else {}))
    for _ in range(2):
        model(IMAGES).square().mean().backward()
        optimizer.step()
    held = {p: {k: torch.as_tensor(v).clone() for k, v in optimizer.state[p].items()} for p in model.parameters()}

    growth = grow(model, optimizer, PruneUnits(path="first.0.one", to=5), probe=Probe(IMAGES)).growth

    assert len(growth.carried) == 4
    assert growth.born == ()
    for item in growth.carried:
        assert torch.equal(item.new, item.old[item.source])
        assert item.old.grad is not None
        assert item.new.grad is not None
        assert torch.equal(item.new.grad, item.old.grad[item.source])
        for key, value in held[item.old].items():
            kept = torch.as_tensor(optimizer.state[item.new][key])
            assert torch.equal(kept, value[item.source] if value.shape == item.old.shape else value)
    model(IMAGES).square().mean().backward()
    optimizer.step()


def test_a_lineage_repeats_what_was_chosen_and_an_average_follows(conv_model: GrowableModel, images: Tensor) -> None:
    fresh, average = copy.deepcopy(conv_model), torch.optim.swa_utils.AveragedModel(conv_model)
    optimizer, probe = torch.optim.AdamW(conv_model.parameters(), lr=0.1), Probe(images)
    lineage = []
    # The weights move, so that the average alone would choose other units.
    for step, operation in enumerate([PruneUnits(path="blocks.1.conv", to=3), WidenLayer(path="blocks.1.conv", to=5)]):
        conv_model(images)["known"].square().mean().backward()
        optimizer.step()
        grown = grow(conv_model, optimizer, operation, probe=probe, average=average, step=step)
        change = Change(operation=operation, freeze=NoFreezing()).done(grown.growth)
        lineage.append(GrowthEvent(step=step, change=change))

    stored = {name: tensor.detach().clone() for name, tensor in grown.identities.tensors().items()}
    restored, *_ = replay(fresh, tuple(lineage), probe=lambda _: Probe(torch.randn(2, 1, 8, 8)))
    with torch.no_grad():
        for name, tensor in restored.tensors().items():
            tensor.copy_(stored.pop(name))
    assert stored == {}
    assert torch.equal(fresh.eval()(images)["known"], conv_model.eval()(images)["known"])
    chosen = lineage[0].change.operation
    assert isinstance(chosen, PruneUnits)
    assert chosen.units is not None
    stay = [unit for unit in range(6) if unit not in chosen.units]
    norm = average.module.get_submodule("backbone.blocks.1.norm")
    assert norm.get_buffer("running_mean").shape == (5,)
    assert len(stay) == 3


def test_heads_at_taps_read_fewer_units(conv_model: GrowableModel, images: Tensor) -> None:
    late = AttachHead(name="late", outputs=2, tap="blocks.1")
    late.apply(conv_model, probe=Probe(images), generator=torch.Generator())

    PruneUnits(path="blocks.1.conv", by=4, score=ActivationScore()).apply(
        conv_model, probe=Probe(images), generator=torch.Generator()
    )

    assert conv_model.heads["late"].get_parameter("output.weight").shape == (2, 2)
    assert conv_model.get_parameter("backbone.hidden.linear.weight").shape == (7, 2 * 4)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"path": "first.0.two", "by": 1}, "can lose units, found that .* prune them together: together='all'"),
        ({"path": "output", "by": 1}, "outputs of the network; replace the head instead"),
        ({"path": "first.0.one", "by": 8}, "expected units that stay at 'first.0.one', found 8 units of which 8 leave"),
        ({"path": "first.0.one", "to": 8}, "expected to=8 below the units of 'first.0.one', found 8 of them"),
        ({"path": "first.0.one", "units": (8,)}, "expected units below 8 of 'first.0.one'"),
        ({"path": "first.0.one", "by": 1, "fill": "mean"}, "with a bias, .* at 'first.0.two', found Conv2d"),
    ],
)
def test_what_cannot_shrink_is_refused_in_words(fields: dict[str, Any], message: str) -> None:
    model = networks.ResNet()
    held = [id(tensor) for tensor in model.parameters()]

    with pytest.raises((SpecError, ModulePathError), match=message):
        PruneUnits(**fields).apply(model, probe=Probe(IMAGES), generator=torch.Generator())

    assert [id(tensor) for tensor in model.parameters()] == held


def test_a_norm_over_units_is_named() -> None:
    with pytest.raises(ModulePathError, match=r"'norm' \(LayerNorm\) takes a mean over them, which changes when some"):
        PruneUnits(path="hidden", by=1).apply(networks.Normed(), probe=Probe(ROWS), generator=torch.Generator())


def test_groups_leave_whole() -> None:
    torch.manual_seed(0)
    model = networks.UNet(lambda channels: nn.GroupNorm(2, channels))
    with pytest.raises(SpecError, match="add a multiple of 3, or remove a multiple"):
        PruneUnits(path="down", by=2).apply(model, probe=Probe(IMAGES), generator=torch.Generator())

    growth = PruneUnits(path="down", by=3, score=MagnitudeScore(order=2)).apply(
        model, probe=Probe(IMAGES), generator=torch.Generator()
    )

    assert isinstance(growth.chosen, PruneUnits)
    assert growth.chosen.units in [(0, 1, 2), (3, 4, 5)]
    assert model.get_submodule("down_norm").num_groups == 1
    again = networks.UNet(lambda channels: nn.GroupNorm(2, channels))
    growth.chosen.apply(again, probe=Probe(IMAGES), generator=torch.Generator())
    assert [p.shape for p in again.parameters()] == [p.shape for p in model.parameters()]


@pytest.mark.parametrize("fields", [{}, {"by": 1, "to": 2}, {"units": (1, 1)}, {"units": ()}])
def test_one_number_of_units_is_asked_for(fields: dict[str, Any]) -> None:
    with pytest.raises(SpecError):
        PruneUnits(path="a", **fields)

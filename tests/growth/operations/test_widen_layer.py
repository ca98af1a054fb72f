import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.core.errors import ModulePathError, SpecError
from harness.growth import AttachHead, Probe, Promise
from harness.growth.identities import Identities
from harness.growth.operations import AbstractOperation, InsertLayer, WidenHead, WidenLayer
from harness.growth.record import Growth
from harness.growth.units import AbstractUnits, CopiedUnits, GradMaxUnits, PairedUnits, RandomUnits
from harness.initializers import KaimingUniform
from harness.models import GrowableModel

METHODS: list[AbstractUnits] = [CopiedUnits(), CopiedUnits(noise=0), PairedUnits(), RandomUnits(), GradMaxUnits()]


PLACES = ["blocks.0.conv", "blocks.1.conv", "hidden.linear", "heads.late.layers.0"]


class Block(nn.Module):
    """A residual block."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Conv2d(4, 6, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(6)
        self.outer = nn.Conv2d(6, 4, 3, padding=1)

    def forward(self, maps: Tensor) -> Tensor:
        return functional.silu(maps + self.outer(torch.relu(self.norm(self.inner(maps)))))


class Residual(nn.Module):
    """A small residual network."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3)
        self.blocks = nn.ModuleList([Block(), Block()])
        self.output = nn.Linear(4, 3)

    def forward(self, images: Tensor) -> Tensor:
        features = self.stem(images)
        for block in self.blocks:
            features = block(features)
        logits: Tensor = self.output(features.mean((2, 3)))
        return logits


class Branching(nn.Module):
    """One hidden layer that two others read."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.one, self.other = nn.Linear(64, 6), nn.Linear(6, 3), nn.Linear(6, 3)

    def forward(self, images: Tensor) -> Tensor:
        features = functional.elu(self.hidden(images.flatten(1)))
        result: Tensor = self.one(features) * torch.tanh(self.other(features))
        return result


@pytest.fixture
def probe(images: Tensor) -> Probe:
    return Probe(images, torch.tensor([0, 1, 0, 1, -1]))


@pytest.fixture
def model(conv_model: GrowableModel, probe: Probe) -> GrowableModel:
    """A trained-looking network: its norms have seen examples, and it has a second head."""
    AttachHead(name="late", outputs=2, tap="hidden", width=4).apply(
        conv_model, probe=probe, generator=torch.Generator()
    )
    with torch.no_grad():
        for module in conv_model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.5, 2)
                module.bias.normal_()
    for _ in range(5):
        conv_model(probe.inputs * 2 + 1)
    return conv_model.eval()


def apply(operation: AbstractOperation, model: nn.Module, probe: Probe, seed: int = 0) -> Growth:
    return operation.apply(model, probe=probe, generator=torch.Generator().manual_seed(seed))


def check_same(after: dict[str, Tensor], before: dict[str, Tensor], tolerance: float = 1e-6) -> None:
    assert after.keys() == before.keys()
    for name, value in after.items():
        torch.testing.assert_close(value, before[name], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("path", PLACES)
@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_outputs_stay_and_sizes_follow(path: str, method: AbstractUnits, model: GrowableModel, probe: Probe) -> None:
    outputs, names = model(probe.inputs), list(model.state_dict())
    units = len(model.get_parameter(f"{path}.weight" if path.startswith("heads") else f"backbone.{path}.weight"))
    operation = WidenLayer(path=path, by=2, method=method)

    growth = apply(operation, model, probe)

    check_same(model(probe.inputs), outputs)
    assert operation.promise() is Promise.CLOSE
    assert list(model.state_dict()) == names
    assert growth.carried[0].new.shape[0] == units + 2
    assert growth.born == ()
    for module in model.modules():
        if isinstance(module, nn.Linear):
            assert tuple(module.weight.shape) == (module.out_features, module.in_features)
        if isinstance(module, nn.Conv2d):
            assert tuple(module.weight.shape[:2]) == (module.out_channels, module.in_channels)
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_var is not None
            assert len(module.running_var) == len(module.weight) == module.num_features


@pytest.mark.parametrize("method", METHODS[:4], ids=repr)
def test_every_layer_can_grow_again_and_again(method: AbstractUnits, model: GrowableModel, probe: Probe) -> None:
    outputs = model(probe.inputs)

    for path in (*PLACES, *reversed(PLACES)):
        apply(WidenLayer(path=path, by=10, method=method), model, probe)

    check_same(model(probe.inputs), outputs, tolerance=1e-5)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("method", METHODS[1:4], ids=repr)
def test_type_and_old_entries_are_kept(
    dtype: torch.dtype, method: AbstractUnits, model: GrowableModel, images: Tensor
) -> None:
    model.to(dtype)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1 + torch.rand_like(parameter))  # to values that only this type has
    model.get_parameter("backbone.blocks.0.conv.weight").requires_grad_(False)
    probe, before = Probe(images.to(dtype)), {name: tensor.clone() for name, tensor in model.state_dict().items()}
    outputs = model(probe.inputs)

    growth = apply(WidenLayer(path="blocks.0.conv", by=2, method=method), model, probe)

    assert {(item.new.dtype, item.new.requires_grad) for item in growth.carried} == {(dtype, True), (dtype, False)}
    weight = model.get_parameter("backbone.blocks.0.conv.weight")
    assert not weight.requires_grad
    assert torch.equal(weight[:4], before["backbone.blocks.0.conv.weight"])
    variance = model.get_buffer("backbone.blocks.0.norm.running_var")
    assert torch.equal(variance[:4], before["backbone.blocks.0.norm.running_var"])
    check_same(model(probe.inputs), outputs, tolerance=1e-12 if dtype is torch.float64 else 0.05)


def test_norms_share_the_statistics_of_originals(model: GrowableModel, probe: Probe) -> None:
    norm, conv = model.get_submodule("backbone.blocks.0.norm"), model.get_submodule("backbone.blocks.0.conv")

    apply(WidenLayer(path="blocks.0.conv", to=9, method=CopiedUnits()), model, probe)

    weight = conv.get_parameter("weight")
    for new in range(4, 9):
        original = next(old for old in range(4) if torch.equal(weight[old], weight[new]))
        for name in ("weight", "bias", "running_mean", "running_var"):
            assert torch.equal(getattr(norm, name)[new], getattr(norm, name)[original])
    assert norm.get_buffer("num_batches_tracked") == 5


def test_norms_let_units_pass_that_have_no_original(model: GrowableModel, probe: Probe) -> None:
    norm = model.get_submodule("backbone.blocks.0.norm")

    apply(WidenLayer(path="blocks.0.conv", by=3, method=RandomUnits()), model, probe)

    values = {name: getattr(norm, name)[4:].tolist() for name in ("weight", "bias", "running_mean", "running_var")}
    assert values == {"weight": [1.0] * 3, "bias": [0.0] * 3, "running_mean": [0.0] * 3, "running_var": [1.0] * 3}


def test_a_channel_feeds_all_its_places_of_a_flattened_map(model: GrowableModel, probe: Probe) -> None:
    before = model.get_parameter("backbone.hidden.linear.weight").clone()

    apply(WidenLayer(path="blocks.1.conv", by=1, method=CopiedUnits(noise=0)), model, probe)

    after = model.get_parameter("backbone.hidden.linear.weight")
    halved = [channel for channel in range(6) if torch.equal(after[:, 4 * channel :][:, :4], after[:, 24:])]
    assert len(halved) == 1
    torch.testing.assert_close(after[:, 24:], before[:, 4 * halved[0] :][:, :4] / 2)


def test_gradmax_falls_faster_than_random_units(model: GrowableModel, probe: Probe) -> None:
    targets = torch.tensor([0, 1, 2, 0, 1])
    twin = copy.deepcopy(model)
    init = GradMaxUnits(epsilon=1e-3)
    scaled = RandomUnits(outgoing=KaimingUniform())
    norms = []

    for network, method in ((model, init), (twin, scaled)):
        apply(WidenLayer(path="hidden.linear", by=2, method=method), network, Probe(probe.inputs, targets))
        outgoing = network.get_parameter("backbone.output.weight")
        with torch.no_grad():
            outgoing[:, 7:] *= 1 / outgoing[:, 7:].norm()
        functional.cross_entropy(network(probe.inputs)["known"], targets).backward()
        gradient = network.get_parameter("backbone.hidden.linear.weight").grad
        assert gradient is not None
        norms.append(gradient[7:].norm())

    assert norms[0] > norms[1]


def test_several_readers_follow(probe: Probe) -> None:
    model = Branching()
    outputs = model(probe.inputs)

    growth = apply(WidenLayer(path="hidden", to=9), model, probe)

    torch.testing.assert_close(model(probe.inputs), outputs)
    assert len(growth.carried) == 4
    assert model.one.in_features == model.other.in_features == 9


def test_the_inside_of_a_residual_block_grows_and_its_sum_is_refused_by_name(probe: Probe) -> None:
    model = Residual().eval()
    outputs = model(probe.inputs)

    apply(WidenLayer(path="blocks.1.inner", by=3), model, probe)

    torch.testing.assert_close(model(probe.inputs), outputs)
    with pytest.raises(
        ModulePathError, match=r"'blocks.0.outer' can get more units, found 'add' \(add\) in 'blocks.0'"
    ):
        apply(WidenLayer(path="blocks.0.outer", by=3), model, probe)


def test_what_was_inserted_and_widened_before_follows(model: GrowableModel, probe: Probe) -> None:
    outputs = model(probe.inputs)

    apply(
        InsertLayer.model_validate({"after": "hidden.linear", "layer": "linear", "function": "identity"}), model, probe
    )
    apply(WidenHead(path="output", to=5), model, probe)
    apply(WidenLayer(path="hidden.linear", by=2), model, probe)
    apply(WidenLayer(path="hidden.linear.inserted.layer.linear", by=2), model, probe)

    after = model(probe.inputs)
    torch.testing.assert_close(after["known"][:, :3], outputs["known"])
    torch.testing.assert_close(after["late"], outputs["late"])
    assert model.get_parameter("backbone.output.parts.1.weight").shape == (2, 9)


def test_modules_hooks_modes_and_ids_stay(model: GrowableModel, probe: Probe) -> None:
    heard: list[torch.Size] = []
    layer, identities = model.get_submodule("backbone.hidden.linear"), Identities(model)
    layer.register_forward_hook(lambda _module, _inputs, output: heard.append(output.shape))
    model.train()
    model.get_submodule("backbone.blocks.0").eval()
    modes = [module.training for module in model.modules()]

    apply(WidenLayer(path="hidden.linear", by=2), model, probe)
    apply(WidenLayer(path="blocks.0.conv", by=2), model, probe)
    heard.clear()
    assert modes == [module.training for module in model.modules()]
    model(probe.inputs)

    assert heard == [(5, 9)]
    assert model.get_submodule("backbone.hidden.linear") is layer
    names = list(identities)
    identities.register(model, birth=1)
    assert list(identities) == names
    assert identities["0/backbone.blocks.0.norm.running_var"].tensor.shape == (6,)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_global_stream_statistics_and_old_tensors_are_left_alone(model: GrowableModel, probe: Probe) -> None:
    old = {name: (tensor, tensor.clone()) for name, tensor in model.state_dict(keep_vars=True).items()}
    model.train()
    stream = torch.get_rng_state()

    apply(WidenLayer(path="blocks.1.conv", by=2, method=GradMaxUnits()), model, probe)

    assert torch.equal(torch.get_rng_state(), stream)
    assert all(torch.equal(tensor, copied) for tensor, copied in old.values())
    after = model.state_dict(keep_vars=True)
    replaced = {name for name, (tensor, _) in old.items() if after[name] is not tensor}
    norm = {f"backbone.blocks.1.norm.{name}" for name in ("weight", "bias", "running_mean", "running_var")}
    assert replaced == norm | {"backbone.blocks.1.conv.weight", "backbone.hidden.linear.weight"}


def test_values_come_from_the_generator(model: GrowableModel, probe: Probe) -> None:
    twin, other = copy.deepcopy(model), copy.deepcopy(model)

    for network, seed in ((model, 1), (twin, 1), (other, 2)):
        apply(WidenLayer(path="hidden.linear", by=2, method=RandomUnits()), network, probe, seed)
        torch.randn(7)

    weights = [network.get_parameter("backbone.hidden.linear.weight") for network in (model, twin, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_layers_under_weight_norm_grow_as_if_they_were_plain(probe: Probe) -> None:
    normed = torch.nn.utils.parametrizations.weight_norm
    model = nn.Sequential(nn.Flatten(), normed(nn.Linear(64, 3)), nn.ReLU(), normed(nn.Linear(3, 2)))
    outputs = model(probe.inputs)

    growth = apply(WidenLayer(path="1", by=2), model, probe)

    torch.testing.assert_close(model(probe.inputs), outputs)
    assert sorted(tuple(item.new.shape) for item in growth.carried) == [(2, 1), (2, 5), (5,), (5, 1), (5, 64)]
    assert model.get_submodule("1.parametrizations.weight").get_parameter("original1").shape == (5, 64)


def tied() -> nn.Module:
    model = nn.Sequential(nn.Linear(64, 3), nn.ReLU(), nn.Linear(3, 3), nn.Linear(3, 3))
    model[3].weight = model[2].weight
    return nn.Sequential(nn.Flatten(), *model)


def parametrized() -> nn.Module:
    layer = torch.nn.utils.parametrizations.orthogonal(nn.Linear(3, 2))
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 3), nn.ReLU(), layer)


def grouped() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3, groups=2), nn.Flatten(), nn.Linear(64, 2))


REFUSED: list[tuple[Callable[[], nn.Module], dict[str, Any], type[Exception], str]] = [
    (tied, {"path": "1"}, ModulePathError, r"found it tied: 3.weight, 4.weight; untie"),
    (parametrized, {"path": "1"}, ModulePathError, "'3' to hold its weight as a plain tensor"),
    (grouped, {"path": "1"}, ModulePathError, "expected a convolution of one group at '1', found 2 groups"),
    (grouped, {"path": "0"}, ModulePathError, r"found '1' \(Conv2d\): it cannot take more of them"),
    (grouped, {"path": "2"}, ModulePathError, "expected a linear layer or a convolution at '2', found Flatten"),
    (grouped, {"path": "nowhere"}, ModulePathError, "no module 'nowhere'"),
    (Branching, {"path": "hidden", "by": None, "to": 6}, SpecError, "expected to=6 to exceed the units of 'hidden'"),
    (Branching, {"path": "hidden", "by": 3, "method": PairedUnits()}, SpecError, "expected an even number"),
    (Branching, {"path": "hidden", "method": GradMaxUnits(), "by": 7}, SpecError, "found 7; add fewer"),
]


@pytest.mark.parametrize(("build", "fields", "error", "message"), REFUSED)
def test_what_cannot_be_is_refused_before_anything_is_changed(
    build: Callable[[], nn.Module], fields: dict[str, Any], error: type[Exception], message: str, probe: Probe
) -> None:
    model = build()
    model.train()
    model(probe.inputs)
    before = {name: id(tensor) for name, tensor in model.state_dict(keep_vars=True).items()}

    with pytest.raises(error, match=message):
        apply(WidenLayer(**{"by": 1, **fields}), model, probe)

    assert {name: id(tensor) for name, tensor in model.state_dict(keep_vars=True).items()} == before
    assert model.training


def test_inputs_are_asked_for(model: GrowableModel) -> None:
    with pytest.raises(SpecError, match=r"give probe=Probe\(inputs\)"):
        WidenLayer(path="hidden.linear", by=1).apply(model, probe=None, generator=torch.Generator())


@pytest.mark.parametrize("sizes", [{}, {"by": 1, "to": 3}])
def test_one_size_is_asked_for(sizes: dict[str, int]) -> None:
    with pytest.raises(SpecError, match="expected either by or to"):
        WidenLayer(path="hidden", **sizes)


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_it_survives_json(method: AbstractUnits) -> None:
    operation = WidenLayer(path="hidden", to=3, method=method, moments="mean")

    assert AbstractOperation.model_validate(operation.to_json()) == operation

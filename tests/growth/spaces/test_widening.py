"""Networks by ways to widen them: each works, its function kept, or is refused in words."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from harness.core.errors import InputError
from harness.growth import AttachHead, InsertLayer, Probe, WidenLayer, grow
from harness.growth.layers import MLPBlock
from harness.growth.units import AbstractUnits, CopiedUnits, GradMaxUnits, PairedUnits, RandomUnits
from harness.models import GrowableModel
from harness.models.inserted import switch
from tests.growth.spaces import networks

IMAGES = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))
VECTORS = torch.randn(4, 6, generator=torch.Generator().manual_seed(2))
SEQUENCES = torch.randn(4, 5, 6, generator=torch.Generator().manual_seed(3))
TOKENS = torch.randint(0, 20, (4, 7), generator=torch.Generator().manual_seed(4))


@dataclass(frozen=True)
class Case:
    """A network, a way to widen it, and what comes of it.

    Attributes:
        carried: how many parameters get another shape; 0 if it is refused.
        refused: a part of the refusal.
    """

    model: str
    operation: str
    build: Callable[[], nn.Module]
    inputs: Any
    fields: dict[str, Any]
    carried: int = 0
    refused: str = ""

    def __repr__(self) -> str:
        return f"{self.model}, {self.operation}"


def unet_in_groups() -> nn.Module:
    return networks.UNet(lambda channels: nn.GroupNorm(2, channels))


def unet_by_instance() -> nn.Module:
    return networks.UNet(lambda channels: nn.InstanceNorm2d(channels, affine=True))


def sequences() -> nn.Module:
    return networks.Volumes(nn.Conv1d, nn.ConvTranspose1d, nn.PReLU(6))


def volumes() -> nn.Module:
    return networks.Volumes(nn.Conv3d, nn.ConvTranspose3d, nn.BatchNorm3d(6))


def rms_decoder() -> nn.Module:
    return networks.Decoder(nn.RMSNorm)


def encoder() -> nn.Module:
    layer = nn.TransformerEncoderLayer(6, 2, 8, batch_first=True)
    return nn.Sequential(nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Flatten(), nn.Linear(30, 3))


SUM = "write to the same sum or product; widen them together: together='all', or their paths"
LINE, CUBE = IMAGES[:, :, 0], IMAGES.unflatten(3, (2, 4))[:, :, :4]
CASES = [
    Case("ResNet", "inside a block", networks.ResNet, IMAGES, {"path": "first.0.one"}, 4),
    Case("ResNet", "one writer to a sum", networks.ResNet, IMAGES, {"path": "first.0.two"}, 0, SUM),
    Case("ResNet", "a stage", networks.ResNet, IMAGES, {"path": "first.0.two", "together": "all"}, 14),
    Case(
        "ResNet",
        "a stage by name",
        networks.ResNet,
        IMAGES,
        {"path": "second.1.two", "together": ("second.0.two", "second.0.shortcut")},
        10,
    ),
    Case("U-Net", "read after a concatenation", networks.UNet, IMAGES, {"path": "down"}, 6),
    Case("U-Net", "a transposed convolution", networks.UNet, IMAGES, {"path": "up"}, 3),
    Case("U-Net", "what a transposed convolution reads", networks.UNet, IMAGES, {"path": "low"}, 3),
    Case("U-Net, group norm", "whole groups", unet_in_groups, IMAGES, {"path": "down", "by": 3}, 6),
    Case("U-Net, group norm", "part of a group", unet_in_groups, IMAGES, {"path": "down"}, 0, "add a multiple of 3"),
    Case("U-Net, instance norm", "channels", unet_by_instance, IMAGES, {"path": "down"}, 6),
    Case("DenseNet", "read by all behind", networks.DenseNet, IMAGES, {"path": "stem"}, 11),
    Case("DenseNet", "between others", networks.DenseNet, IMAGES, {"path": "convs.0"}, 8),
    Case("MobileNet", "through a gate", networks.Inverted, IMAGES, {"path": "expand"}, 0, SUM),
    Case("MobileNet", "with the gate", networks.Inverted, IMAGES, {"path": "expand", "together": "all"}, 10),
    Case(
        "MobileNet", "a depthwise layer", networks.Inverted, IMAGES, {"path": "depthwise"}, 0, "found 8 groups, which"
    ),
    Case("ResNeXt", "whole groups", networks.Grouped, IMAGES, {"path": "before"}, 7),
    Case("ResNeXt", "part of a group", networks.Grouped, IMAGES, {"path": "before", "by": 1}, 0, "add a multiple of 2"),
    Case("decoder", "feed-forward", networks.Decoder, TOKENS, {"path": "up"}, 3),
    Case("decoder", "a head", networks.Decoder, TOKENS, {"path": "qkv", "rows": 12, "by": 1}, 3),
    Case("decoder", "one writer to the stream", networks.Decoder, TOKENS, {"path": "tokens"}, 0, SUM),
    Case("decoder", "the stream", networks.Decoder, TOKENS, {"path": "tokens", "together": "all"}, 0, "to=16"),
    Case("decoder", "the stream, doubled", networks.Decoder, TOKENS, {"path": "down", "together": "all", "by": 8}, 15),
    Case("decoder, RMS", "the stream, doubled", rms_decoder, TOKENS, {"path": "out", "together": "all", "by": 8}, 12),
    Case("1d convolutions", "before a PReLU", sequences, LINE, {"path": "first"}, 4),
    Case("1d convolutions", "transposed", sequences, LINE, {"path": "up"}, 3),
    Case("3d convolutions", "before a norm", volumes, CUBE, {"path": "first"}, 5),
    Case("3d convolutions", "transposed", volumes, CUBE, {"path": "up"}, 3),
    Case("embeddings", "flattened", networks.Words, TOKENS, {"path": "words"}, 2),
    Case("channels last", "flattened", networks.ChannelsLast, IMAGES, {"path": "conv"}, 3),
    Case("gate of one layer", "both halves", lambda: networks.Gated(one_layer=True), VECTORS, {"path": "gate"}, 3),
    Case("gate of two layers", "both layers", lambda: networks.Gated(one_layer=False), VECTORS, {"path": "up"}, 5),
    Case(
        "layer norm", "behind the layer", networks.Normed, VECTORS, {"path": "hidden"}, 0, "to=16, or a multiple of 8"
    ),
    Case("layer norm", "behind the layer, doubled", networks.Normed, VECTORS, {"path": "hidden", "by": 8}, 5),
    Case("LSTM", "its units", networks.Recurrent, SEQUENCES, {"path": "lstm"}, 0, "found LSTM; name one"),
    Case("LSTM", "its inputs", networks.Recurrent, SEQUENCES, {"path": "inner"}, 0, "(LSTM) reads them"),
    Case("encoder of torch", "feed-forward", encoder, SEQUENCES, {"path": "0.layers.0.linear1"}, 3),
    Case(
        "encoder of torch", "a head", encoder, SEQUENCES, {"path": "0.layers.0.self_attn"}, 0, "nn.MultiheadAttention"
    ),
    Case("checks its values", "any layer", networks.Checked, VECTORS, {"path": "hidden"}, 0, "made-up values"),
    Case(
        "checks its values", "readers named", networks.Checked, VECTORS, {"path": "hidden", "readers": ("output",)}, 3
    ),
    Case(
        "checks its values",
        "wrong readers",
        networks.Checked,
        VECTORS,
        {"path": "hidden", "readers": ("hidden",)},
        0,
        "found 6 inputs, which is no multiple of them",
    ),
    Case("any", "outputs", networks.Words, TOKENS, {"path": "output"}, 0, "widen the head instead"),
    Case("any", "wrong readers", networks.Words, TOKENS, {"path": "words", "readers": ("output",)}, 0, "do, too; name"),
]


def trained(case: Case) -> tuple[nn.Module, torch.optim.Optimizer]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = case.build()
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
        for _ in range(2):
            step(model, optimizer, case.inputs)
    return model, optimizer


def step(model: nn.Module, optimizer: torch.optim.Optimizer, inputs: Any) -> None:
    optimizer.zero_grad()
    model.train()(inputs).square().mean().backward()
    optimizer.step()


def outputs(model: nn.Module, inputs: Any) -> Tensor:
    with torch.no_grad():
        result: Tensor = model.eval()(inputs)
    return result


def widen(case: Case, method: AbstractUnits) -> WidenLayer:
    return WidenLayer.model_validate({"by": 2, "method": method, **case.fields})


def rows() -> list[tuple[str, str, str]]:
    """Return the table: network, what is widened, and `works` or the refusal."""
    table = []
    for case in CASES:
        model, optimizer = trained(case)
        try:
            grow(model, optimizer, widen(case, CopiedUnits()), probe=Probe(case.inputs))
            table.append((case.model, case.operation, "works"))
        except InputError as error:
            table.append((case.model, case.operation, f"refused: {error}"))
    return table


@pytest.mark.parametrize("case", [case for case in CASES if case.carried], ids=repr)
def test_outputs_stay_and_moments_lie_where_their_weights_do(case: Case) -> None:
    model, optimizer = trained(case)
    before = outputs(model, case.inputs)
    moments = {parameter: optimizer.state[parameter]["exp_avg"].clone() for parameter in model.parameters()}

    growth = grow(model, optimizer, widen(case, CopiedUnits()), probe=Probe(case.inputs)).growth

    torch.testing.assert_close(outputs(model, case.inputs), before, rtol=1e-4, atol=1e-6)
    assert len(growth.carried) == case.carried
    for item in growth.carried:
        now = optimizer.state[item.new]["exp_avg"].clone()
        assert torch.equal(now[item.region], moments[item.old])
        now[item.region] = 0
        assert not now.any()
    step(model, optimizer, case.inputs)
    check_sizes(model)


def check_sizes(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d):
            assert module.weight.shape[:2] == (module.out_channels, module.in_channels // module.groups)
        if isinstance(module, nn.Linear):
            assert module.weight.shape == (module.out_features, module.in_features)
        if isinstance(module, nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d):
            assert module.weight.shape[:2] == (module.in_channels, module.out_channels)
        if isinstance(module, nn.LayerNorm | nn.RMSNorm):
            assert module.weight.shape == module.normalized_shape
        if isinstance(module, nn.Embedding):
            assert module.weight.shape == (module.num_embeddings, module.embedding_dim)


@pytest.mark.parametrize("case", [case for case in CASES if case.refused], ids=repr)
def test_what_is_refused_leaves_everything_as_it_was(case: Case) -> None:
    model, optimizer = trained(case)
    before = {name: (tensor, tensor.clone()) for name, tensor in model.state_dict(keep_vars=True).items()}
    attributes = {name: dict(vars(module)) for name, module in model.named_modules()}

    with pytest.raises(InputError) as refusal:
        grow(model, optimizer, widen(case, CopiedUnits()), probe=Probe(case.inputs))

    assert case.refused in str(refusal.value)
    assert "\n" not in str(refusal.value)
    after = model.state_dict(keep_vars=True)
    assert all(after[name] is tensor and torch.equal(tensor, values) for name, (tensor, values) in before.items())
    assert all(vars(module).keys() == attributes[name].keys() for name, module in model.named_modules())


METHODS: list[AbstractUnits] = [RandomUnits(), PairedUnits(), CopiedUnits(noise_on="incoming")]
SEVERAL = ("a stage", "with the gate", "whole groups", "both layers", "both halves", "flattened", "between others")


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_every_method_gives_values_to_several_writers(method: AbstractUnits) -> None:
    for case in (case for case in CASES if case.operation in SEVERAL and case.carried):
        model, optimizer = trained(case)
        before = outputs(model, case.inputs)
        fields = {**case.fields, "by": 4 if case.fields.get("by", 2) == 2 else 6}

        growth = grow(model, optimizer, WidenLayer(method=method, **fields), probe=Probe(case.inputs)).growth

        if isinstance(method, RandomUnits):
            assert all(torch.equal(item.new[item.region], item.old) for item in growth.carried), case
        tolerance = 1e-4 if method.promise().value == "close" else 1.0
        torch.testing.assert_close(outputs(model, case.inputs), before, rtol=tolerance, atol=tolerance, msg=repr(case))


def test_what_is_switched_off_grows_and_stays_off() -> None:
    model = GrowableModel(networks.Gated(one_layer=False), "known")
    probe = Probe(VECTORS)
    AttachHead(name="late", outputs=2, tap="gate").apply(model, probe=probe, generator=torch.Generator())
    layer = InsertLayer(after="gate", layer=MLPBlock(width=3), flag="depth", on=False)
    layer.apply(model, probe=probe, generator=torch.Generator())
    model.switch("late", on=False)
    before = model.eval()(VECTORS)["known"]

    with pytest.raises(
        InputError, match=r"^expected that 'up' can .*'gate.inserted.layer.output' write to the same sum"
    ):
        grow(model, torch.optim.SGD(model.parameters()), WidenLayer(path="up", by=8), probe=probe)
    operation = WidenLayer(path="up", by=8, together="all")
    grow(model, torch.optim.SGD(model.parameters()), operation, probe=probe)

    assert model.off == {"late"}
    torch.testing.assert_close(model.eval()(VECTORS)["known"], before)
    model.switch("late", on=True)
    switch(model, "depth", on=True)
    assert model(VECTORS)["late"].shape == (4, 2)
    assert model.get_parameter("heads.late.output.weight").shape == (2, 16)


def test_values_come_from_the_generator_alone() -> None:
    case = next(case for case in CASES if case.operation == "a stage")
    model, optimizer = trained(case)
    twin, other = copy.deepcopy((model, optimizer))
    stream = torch.get_rng_state()

    for network, opt in ((model, optimizer), (twin, other)):
        grow(network, opt, widen(case, RandomUnits()), probe=Probe(case.inputs))

    assert torch.equal(torch.get_rng_state(), stream)
    assert all(torch.equal(one, two) for one, two in zip(model.parameters(), twin.parameters(), strict=True))


def test_directions_of_steepest_descent_are_those_of_a_trace() -> None:
    model, targets = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)), torch.tensor([0, 1, 2, 0])
    twin, weights = copy.deepcopy(model), []

    for network, readers in ((model, ()), (twin, ("2",))):
        operation = WidenLayer(path="0", by=2, method=GradMaxUnits(), readers=readers)
        grow(network, torch.optim.SGD(network.parameters()), operation, probe=Probe(VECTORS, targets))
        weights.append(network.get_parameter("2.weight"))

    assert weights[0].shape == (3, 10)
    torch.testing.assert_close(*weights)


def test_a_number_of_units_counts_pairs_of_outputs_where_a_gate_is_one_layer() -> None:
    model = networks.Gated(one_layer=True)

    grow(model, torch.optim.SGD(model.parameters()), WidenLayer(path="gate", to=11), probe=Probe(VECTORS))

    assert (model.gate.out_features, model.down.in_features) == (22, 11)

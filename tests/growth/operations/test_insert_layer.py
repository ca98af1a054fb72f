import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.core.errors import InputError, ModulePathError, SpecError
from harness.growth import AttachHead, Probe, Promise, grow
from harness.growth.identities import Identities
from harness.growth.layers import (
    AbstractLayer,
    AttentionBlock,
    ConvBlock,
    ConvLayer,
    Function,
    LinearLayer,
    MLPBlock,
    NormLayer,
)
from harness.growth.operations import AbstractOperation, InsertLayer
from harness.growth.record import Growth
from harness.models import MLP, GrowableModel

PLACES: list[tuple[str, AbstractLayer, Function]] = [
    ("blocks.0", ConvLayer(activation="relu"), "identity"),
    ("blocks.0.activation", ConvLayer(kernel_size=5), "residual"),
    ("blocks.0.conv", NormLayer(), "identity"),
    ("blocks.1.norm", ConvBlock(width=3), "residual"),
    ("hidden", LinearLayer(activation="relu"), "identity"),
    ("hidden.linear", LinearLayer(), "identity"),
    ("hidden.linear", MLPBlock(width=3, dropout=0.2), "residual"),
    ("hidden.dropout", NormLayer(), "residual"),
    ("output", LinearLayer(), "residual"),
    ("heads.late.layers.0", LinearLayer(), "identity"),
]


class Residual(nn.Module):
    """A small residual network with its blocks in a `ModuleList` and its outputs in a `ModuleDict`."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3, padding=1)
        self.blocks = nn.ModuleList(nn.Conv2d(4, 4, 3, padding=1) for _ in range(2))
        self.outputs = nn.ModuleDict({"known": nn.Linear(4, 3)})

    def forward(self, images: Tensor) -> Tensor:
        features = self.stem(images)
        for block in self.blocks:
            features = features + functional.silu(block(features))
        logits: Tensor = self.outputs["known"](features.mean((2, 3)))
        return logits


class Recurrent(nn.Module):
    """An LSTM over the rows of an image."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 6, batch_first=True)
        self.output = nn.Linear(6, 3)

    def forward(self, images: Tensor) -> Tensor:
        features, _ = self.lstm(images[:, 0])
        logits: Tensor = self.output(features[:, -1])
        return logits


class Transformer(nn.Module):
    """A transformer over the rows of an image."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.output = nn.Linear(8, 3)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.output(self.encoder(images[:, 0])[:, 0])
        return logits


@pytest.fixture
def model(conv_model: GrowableModel, images: Tensor) -> GrowableModel:
    """A trained-looking network: its norms have seen examples, and it has a second head."""
    AttachHead(name="late", outputs=2, tap="hidden", width=3).apply(
        conv_model, probe=Probe(images), generator=torch.Generator()
    )
    for _ in range(5):
        conv_model(images * 2 + 1)
    return conv_model.eval()


def apply(operation: AbstractOperation, model: nn.Module, images: Tensor) -> Growth:
    return operation.apply(model, probe=Probe(images), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("after", "layer", "function"), PLACES)
def test_outputs_and_every_old_name_and_value_stay(
    after: str, layer: AbstractLayer, function: Function, model: GrowableModel, images: Tensor
) -> None:
    before, outputs = {name: tensor.clone() for name, tensor in model.state_dict().items()}, model(images)
    operation = InsertLayer(after=after, layer=layer, function=function)

    apply(operation, model, images)

    after_growth = model.state_dict()
    assert [name for name in after_growth if name in before] == list(before)
    assert all(torch.equal(after_growth[name], tensor) for name, tensor in before.items())
    assert all(".inserted." in name for name in after_growth.keys() - before.keys())
    assert after_growth.keys() != before.keys()
    tolerance = 0 if operation.promise() is Promise.EXACT else 1e-5
    for name, value in model(images).items():
        torch.testing.assert_close(value, outputs[name], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("after", "layer", "function"), PLACES)
def test_everything_new_is_trained_and_moves(
    after: str, layer: AbstractLayer, function: Function, model: GrowableModel, images: Tensor
) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    grown = grow(model, optimizer, InsertLayer(after=after, layer=layer, function=function), probe=Probe(images))
    before = [parameter.detach().clone() for parameter in grown.growth.born]

    for _ in range(3):
        optimizer.zero_grad()
        torch.stack([(value - 1).square().sum() for value in model.train()(images).values()]).sum().backward()
        optimizer.step()

    assert before
    assert all(not torch.equal(new, old) for new, old in zip(grown.growth.born, before, strict=True))


@pytest.mark.parametrize(
    ("network", "after", "layer"),
    [
        (Residual(), "stem", ConvBlock(width=3)),
        (Residual(), "blocks.1", ConvLayer()),
        (Residual(), "outputs.known", MLPBlock(width=3)),
        (Residual(), "", LinearLayer()),
        (Recurrent(), "lstm", AttentionBlock(heads=2)),
        (Recurrent(), "lstm", MLPBlock(width=3)),
        (Transformer(), "encoder", AttentionBlock(heads=2)),
        (Transformer(), "encoder.layers.0", MLPBlock(width=3)),
        (Transformer(), "encoder.layers.1.self_attn", LinearLayer()),
        (Transformer(), "encoder.layers.1.linear1", LinearLayer()),
        (nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), "1", MLPBlock(width=3)),
    ],
)
def test_it_comes_after_any_module_whatever_holds_it(
    network: nn.Module, after: str, layer: AbstractLayer, images: Tensor
) -> None:
    network = copy.deepcopy(network).eval()
    names, outputs = list(network.state_dict()), network(images)

    apply(InsertLayer(after=after, layer=layer), network, images)
    grown = copy.deepcopy(network)
    with torch.no_grad():
        for parameter in network.get_submodule(f"{after}.inserted".removeprefix(".")).parameters():
            parameter.add_(0.1)

    assert [name for name in network.state_dict() if name in names] == names
    assert torch.equal(grown(images), outputs)
    assert not torch.equal(network(images), outputs)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_what_is_new_has_the_type_of_what_it_changes(dtype: torch.dtype, model: GrowableModel, images: Tensor) -> None:
    model.to(dtype)
    outputs = model(images.to(dtype))["known"]

    for index, (after, layer, function) in enumerate(PLACES):
        operation = InsertLayer(after=after, layer=layer, function=function, name=f"inserted{index}")
        growth = apply(operation, model, images.to(dtype))
        assert {parameter.dtype for parameter in growth.born} == {dtype}

    tolerance = 1e-6 if dtype is torch.float64 else 0.05
    torch.testing.assert_close(model(images.to(dtype))["known"], outputs, rtol=tolerance, atol=tolerance)


def test_a_head_reads_what_was_inserted_at_its_tap(model: GrowableModel, images: Tensor) -> None:
    late = model(images)["late"]
    apply(InsertLayer(after="hidden", layer=LinearLayer()), model, images)

    with torch.no_grad():
        model.get_parameter("backbone.hidden.inserted.layer.linear.weight").fill_(0.1)

    assert not torch.equal(model(images)["late"], late)


def test_hooks_and_modes_stay(model: GrowableModel, images: Tensor) -> None:
    heard: list[Any] = []
    layer = model.backbone.get_submodule("hidden.linear")
    layer.register_forward_hook(lambda *call: heard.append(call))
    model.train()
    model.backbone.get_submodule("blocks.0").eval()

    apply(InsertLayer(after="hidden.linear", layer=MLPBlock(width=2)), model, images)
    apply(InsertLayer(after="blocks.0.conv", layer=NormLayer()), model, images)
    heard.clear()
    model(images)

    assert len(heard) == 1
    assert layer.training
    assert all(module.training for module in layer.get_submodule("inserted").modules())
    assert not model.backbone.get_submodule("blocks.0.conv.inserted").training


def test_several_layers_follow_each_other_and_can_be_followed(model: GrowableModel, images: Tensor) -> None:
    outputs = model(images)["known"]

    for after, name in [("hidden", "inserted"), ("hidden", "second"), ("hidden.inserted", "within")]:
        apply(InsertLayer(after=after, layer=LinearLayer(), name=name), model, images)

    assert torch.equal(model(images)["known"], outputs)
    assert [name for name, _ in model.get_submodule("backbone.hidden").named_children()][-2:] == ["inserted", "second"]


@pytest.mark.parametrize("function", ["identity", "residual", "random"])
def test_values_come_from_the_generator_and_the_global_stream_is_left_alone(
    function: Function, model: GrowableModel, images: Tensor
) -> None:
    twin, stream = copy.deepcopy(model), torch.get_rng_state()
    operation = InsertLayer(after="blocks.0", layer=ConvLayer(), function=function)

    first = apply(operation, model, images)
    assert torch.equal(torch.get_rng_state(), stream)
    torch.randn(7)
    second = apply(operation, twin, images)

    assert all(torch.equal(a, b) for a, b in zip(first.born, second.born, strict=True))


def test_new_tensors_have_ids_of_their_own(model: GrowableModel, images: Tensor) -> None:
    identities = Identities(model)
    apply(InsertLayer(after="hidden.linear", layer=LinearLayer()), model, images)

    identities.register(model, birth=1)

    born = [name for name, slot in identities.items() if slot.birth == 1]
    assert born == [f"1/backbone.hidden.linear.inserted.layer.linear.{name}" for name in ("weight", "bias")]


@pytest.mark.campaign
def test_a_compiled_network_grows() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    compiled: Any = torch.compile(model, backend="aot_eager")
    inputs, optimizer = torch.randn(5, 3), torch.optim.SGD(model.parameters(), lr=0.1)
    before = compiled(inputs)

    grown = grow(compiled, optimizer, InsertLayer(after="0", layer=LinearLayer()), probe=Probe(inputs))
    after = compiled(inputs)
    after.sum().backward()

    torch.testing.assert_close(after, before)
    assert all(parameter.grad is not None for parameter in grown.growth.born)


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"after": "nowhere"}, ModulePathError, "no module 'nowhere'"),
        ({"after": "blocks.0"}, SpecError, r"\[B, D\] or \[B, T, D\] for the layer 'linear', found \[5, 4, 4, 4\]"),
        ({"after": "hidden", "name": "linear"}, SpecError, "found 'linear', which exists"),
        ({"after": "hidden", "name": "training"}, SpecError, "which exists"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_changed(
    fields: dict[str, Any], error: type[Exception], message: str, model: GrowableModel, images: Tensor
) -> None:
    names, hooks = list(model.state_dict()), [len(module._forward_hooks) for module in model.modules()]

    with pytest.raises(error, match=message):
        apply(InsertLayer(layer=LinearLayer(), **fields), model, images)

    assert list(model.state_dict()) == names
    assert [len(module._forward_hooks) for module in model.modules()] == hooks


def test_inputs_are_asked_for() -> None:
    with pytest.raises(SpecError, match=r"give probe=Probe\(inputs\)"):
        InsertLayer(after="hidden.0", layer=LinearLayer()).apply(
            MLP(inputs=3, widths=(2,)).build(2), probe=None, generator=torch.Generator()
        )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"layer": LinearLayer(activation="gelu"), "function": "identity"}, "relu, which repeats itself"),
        ({"layer": MLPBlock(width=2), "function": "identity"}, "expected a function among residual, random"),
        ({"layer": LinearLayer(), "on": False}, "expected a flag"),
        ({"layer": LinearLayer(), "name": "a.b"}, "expected a name such as Python's own"),
    ],
)
def test_settings_that_make_no_sense_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        InsertLayer(after="hidden", **fields)


@pytest.mark.parametrize("function", ["identity", "residual", "random"])
def test_it_survives_json(function: Function) -> None:
    operation = InsertLayer(after="hidden", layer=LinearLayer(activation="none"), function=function, flag="extra")

    assert AbstractOperation.model_validate(operation.to_json()) == operation


class Turned(nn.Module):
    """Turns sequences `[B, T, F]` around for a module, as torch's attention wants them by default."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, inputs: Tensor) -> Tensor:
        result: Tensor = self.module(inputs.transpose(0, 1))
        return result.transpose(0, 1)


CHANNELS = nn.Sequential(nn.Conv1d(6, 8, 3, padding=1), nn.ReLU())
LAYOUTS = [
    (Turned(nn.TransformerEncoderLayer(8, 2, 16)), "module", AttentionBlock(heads=2), (4, 7, 8)),
    (Turned(nn.Linear(8, 8)), "module", MLPBlock(width=4), (4, 7, 8)),
    (CHANNELS, "0", LinearLayer(), (4, 6, 7)),
    (CHANNELS, "1", AttentionBlock(heads=2), (4, 6, 7)),
    (CHANNELS, "1", NormLayer(), (4, 6, 7)),
    (nn.Sequential(nn.Linear(6, 8)), "0", ConvLayer(), (4, 5, 7, 6)),
]


@pytest.mark.parametrize(("model", "after", "layer", "shape"), LAYOUTS)
def test_a_layer_works_along_the_axis_of_features_of_each_example(
    model: nn.Module, after: str, layer: AbstractLayer, shape: tuple[int, ...]
) -> None:
    network, inputs = copy.deepcopy(model).eval(), torch.randn(shape)
    before = network(inputs)
    operation = InsertLayer(after=after, layer=layer, function="random")
    grow(network, torch.optim.SGD(network.parameters()), operation, probe=Probe(inputs))

    together, alone = network(inputs), network(inputs[1:2])

    assert not torch.allclose(together, before)
    torch.testing.assert_close(together[1:2], alone)
    new = network.get_submodule(after).get_submodule("inserted")
    assert not any({5, 7} & set(parameter.shape) for parameter in new.parameters())


def test_a_layer_gets_a_batch_by_name_and_features_among_others() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Inner()

        def forward(self, *, left: Tensor, right: Tensor) -> Tensor:
            result: Tensor = self.inner(left + right)["last_hidden_state"]
            return result

    class Inner(nn.Linear):
        def __init__(self) -> None:
            super().__init__(3, 4)

        def forward(self, inputs: Tensor) -> Any:
            return {"last_hidden_state": super().forward(inputs), "other": None}

    model, batch = Named(), {"left": torch.randn(5, 3), "right": torch.randn(5, 3)}
    before = model(**batch)

    grow(
        model,
        torch.optim.SGD(model.parameters()),
        InsertLayer(after="inner", layer=LinearLayer(), function="random"),
        probe=Probe(batch),
    )

    after = model(**batch)
    torch.testing.assert_close(after, model.get_submodule("inner.inserted.layer")(before))


def test_where_the_axis_cannot_be_told_the_layout_is_asked_for() -> None:
    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(6, 8)

        def forward(self, inputs: Tensor) -> Tensor:
            result: Tensor = self.fc(inputs.reshape(4, 7, 6))
            return result

    model, probe = Fixed(), Probe(torch.randn(4, 7, 6))
    optimizer = torch.optim.SGD(model.parameters())
    with pytest.raises(InputError, match=r"features \[4, 7, 8\] after 'fc' .*; say layout='...'"):
        grow(model, optimizer, InsertLayer(after="fc", layer=AttentionBlock(heads=2)), probe=probe)
    with pytest.raises(InputError, match=r"expected features BCHW after 'fc', found \[4, 7, 8\]"):
        grow(model, optimizer, InsertLayer(after="fc", layer=LinearLayer(), layout="BCHW"), probe=probe)

    grow(model, optimizer, InsertLayer(after="fc", layer=AttentionBlock(heads=2), layout="BTF"), probe=probe)

    assert model(probe.inputs).shape == (4, 7, 8)

import copy
import math

import pytest
import torch
from torch import Tensor, nn

from harness.core.errors import ModulePathError, SpecError
from harness.growth import Probe, Promise
from harness.growth.operations import AttachHead, WidenHead
from harness.growth.record import Growth
from harness.initializers import Imprint, KaimingUniform, PriorBias, XavierUniform, Zeros
from harness.models import GrowableModel


class Tied(nn.Module):
    """A language model's shape: the output layer has the weights of the embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(4, 3)
        self.output = nn.Linear(3, 4)
        self.output.weight = self.embedding.weight

    def forward(self, tokens: Tensor) -> Tensor:
        logits: Tensor = self.output(self.embedding(tokens))
        return logits


class TwoNames(nn.Module):
    """A network that calls its classifier by another name than it is first registered under."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 4)
        self.classifier = self.fc

    def forward(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.classifier(inputs)
        return logits


def mlp(*, bias: bool = True, dtype: torch.dtype = torch.float32) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 4, bias=bias)).to(dtype)


def dense() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.Tanh(), nn.Conv2d(6, 4, 1))


def apply(model: nn.Module, operation: WidenHead, probe: Probe | None = None) -> Growth:
    return operation.apply(model, probe=probe, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("bias", [True, False])
def test_old_outputs_stay_to_the_bit_and_so_does_the_old_layer(bias: bool, dtype: torch.dtype) -> None:
    model, inputs = mlp(bias=bias, dtype=dtype), torch.randn(5, 3, dtype=dtype)
    before, old = model(inputs), model.get_submodule("2")
    values = [parameter.clone() for parameter in old.parameters()]

    apply(model, WidenHead(path="2", to=7))

    assert torch.equal(model(inputs)[:, :4], before)
    assert model.get_submodule("2.parts.0") is old
    assert all(torch.equal(a, b) for a, b in zip(old.parameters(), values, strict=True))
    assert {parameter.dtype for parameter in model.parameters()} == {dtype}
    assert model(inputs).shape == (5, 7)


@pytest.mark.parametrize("rows", ["own", "in_place"])
def test_maps_get_more_classes_along_their_own_dimension(rows: str) -> None:
    model, maps = dense().eval(), torch.randn(2, 3, 8, 8)
    before = model(maps)

    operation = WidenHead.model_validate({"path": "3", "to": 9, "rows": rows})
    apply(model, operation)

    torch.testing.assert_close(model(maps)[:, :4], before)
    assert model(maps).shape == (2, 9, 6, 6)


@pytest.mark.parametrize("path", ["output", "heads.late.output"])
def test_backbone_and_heads_are_widened_alike(path: str, conv_model: GrowableModel, images: Tensor) -> None:
    AttachHead(name="late", outputs=2, tap="hidden").apply(conv_model, probe=Probe(images), generator=torch.Generator())
    conv_model.eval()
    before = conv_model(images)

    growth = apply(conv_model, WidenHead(path=path, to=6), Probe(images))

    after = conv_model(images)
    assert all(torch.equal(after[name][:, : before[name].shape[1]], before[name]) for name in before)
    assert list(growth.columns) == [path]
    assert not conv_model.training


def test_columns_say_where_each_one_comes_from() -> None:
    growth = apply(mlp(), WidenHead(path="2", to=6))

    assert growth.columns == {"2": (0, 1, 2, 3, None, None)}
    assert growth.parameters_added == 2 * 6 + 2


@pytest.mark.parametrize("rows", ["own", "in_place"])
@pytest.mark.parametrize("second", ["own", "in_place"])
def test_widening_twice_keeps_the_order_of_birth(rows: str, second: str) -> None:
    model, inputs = mlp(), torch.randn(5, 3)
    before = model(inputs)

    apply(model, WidenHead.model_validate({"path": "2", "to": 5, "rows": rows}))
    between = model(inputs)
    growth = apply(model, WidenHead.model_validate({"path": "2", "to": 8, "rows": second}))

    torch.testing.assert_close(model(inputs)[:, :4], before)
    torch.testing.assert_close(model(inputs)[:, :5], between)
    assert growth.columns == {"2": (0, 1, 2, 3, 4, None, None, None)}


def test_values_are_those_of_rows_of_the_whole_layer() -> None:
    model = mlp()

    apply(model, WidenHead(path="2", to=15, new_rows=XavierUniform()))

    new = model.get_parameter("2.parts.1.weight").detach()
    bound = math.sqrt(6 / (6 + 15))  # of a slice of 11 rows it would be sqrt(6 / 17)
    assert bound * 0.9 < float(new.abs().max()) <= bound


def test_the_rows_of_a_convolution_have_the_fans_of_a_convolution() -> None:
    model = nn.Sequential(nn.Conv2d(2, 3, 5))

    apply(model, WidenHead(path="0", to=40, new_rows=KaimingUniform()))

    bound = math.sqrt(6 / (2 * 25))
    assert bound * 0.95 < float(model.get_parameter("0.parts.1.weight").detach().abs().max()) <= bound


def test_initializers_see_the_features_and_targets_of_a_probe() -> None:
    model, inputs = mlp(), torch.randn(6, 3)
    features = model[1](model[0](inputs)) if isinstance(model, nn.Sequential) else inputs
    probe = Probe(inputs, torch.tensor([0, 0, 1, 1, -1, -1]))

    apply(model, WidenHead(path="2", to=6, new_rows=Imprint(norm=1.0), new_bias=PriorBias()), probe)

    wanted = nn.functional.normalize(nn.functional.normalize(features[:2], dim=1).mean(dim=0), dim=0)
    torch.testing.assert_close(model.get_parameter("2.parts.1.weight")[0], wanted)


def test_a_probe_leaves_modes_and_statistics_alone(conv_model: GrowableModel, images: Tensor) -> None:
    conv_model.train()
    conv_model.get_submodule("backbone.blocks.0.norm").eval()
    modes = [module.training for module in conv_model.backbone.blocks.modules()]  # type: ignore[union-attr]
    statistics = [buffer.clone() for buffer in conv_model.buffers()]

    apply(conv_model, WidenHead(path="output", to=5), Probe(images))

    assert modes == [module.training for module in conv_model.backbone.blocks.modules()]  # type: ignore[union-attr]
    assert all(torch.equal(a, b) for a, b in zip(conv_model.buffers(), statistics, strict=True))


def test_who_listens_at_the_path_hears_all_outputs() -> None:
    model, heard = mlp(), []
    model.get_submodule("2").register_forward_hook(lambda _module, _inputs, output: heard.append(output.shape))

    apply(model, WidenHead(path="2", to=7))
    model(torch.randn(5, 3))

    assert heard == [(5, 7)]


def test_a_copy_is_widened_too_and_apart() -> None:
    model, inputs = mlp(), torch.randn(5, 3)
    apply(model, WidenHead(path="2", to=7))

    twin = copy.deepcopy(model)
    with torch.no_grad():
        model.get_parameter("2.parts.1.weight").zero_()

    assert twin(inputs).shape == (5, 7)
    assert twin.get_parameter("2.parts.1.weight").any()


def test_tied_weights_stay_tied_where_new_rows_are_their_own() -> None:
    model, tokens = Tied(), torch.tensor([0, 1, 2, 3])
    before = model(tokens)

    apply(model, WidenHead(path="output", to=6))

    assert torch.equal(model(tokens)[:, :4], before)
    assert model.get_parameter("output.parts.0.weight") is model.embedding.weight


def test_a_tied_embedding_follows_a_layer_that_is_widened_in_place() -> None:
    model, tokens = Tied(), torch.tensor([0, 1, 2, 3])
    before = model(tokens)

    growth = apply(model, WidenHead(path="output", to=6, rows="in_place"))

    torch.testing.assert_close(model(tokens)[:, :4], before)
    assert model(torch.tensor([5])).shape == (1, 6)
    assert model.output.weight is model.embedding.weight
    assert (model.embedding.num_embeddings, model.output.out_features) == (6, 6)
    assert len(growth.carried) == 2


@pytest.mark.parametrize("rows", ["own", "in_place"])
def test_a_layer_with_two_names_is_widened_under_both(rows: str) -> None:
    model = TwoNames()

    apply(model, WidenHead.model_validate({"path": "fc", "to": 6, "rows": rows}))

    assert model(torch.randn(2, 3)).shape == (2, 6)
    assert model.fc is model.classifier


@pytest.mark.parametrize(
    ("path", "to", "error", "message"),
    [
        ("2", 4, SpecError, r"expected to=4 to exceed the outputs of '2', found 4"),
        ("1", 5, ModulePathError, r"expected nn\.Linear or nn\.Conv2d at '1', found Tanh.*There are: 0, 2"),
        ("3", 5, ModulePathError, "no module '3' in Sequential"),
    ],
)
def test_what_cannot_be_widened_is_named(path: str, to: int, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        apply(mlp(), WidenHead(path=path, to=to))


def test_a_network_that_is_the_layer_is_widened_in_place_alone() -> None:
    layer = nn.Linear(3, 4)

    with pytest.raises(ModulePathError, match=r"wrap it: nn\.Sequential"):
        apply(layer, WidenHead(path="", to=6))
    apply(layer, WidenHead(path="", to=6, rows="in_place"))

    assert layer(torch.randn(2, 3)).shape == (2, 6)


def test_a_parametrized_layer_is_widened_with_rows_of_their_own_alone() -> None:
    model, inputs = mlp(), torch.randn(5, 3)
    torch.nn.utils.parametrizations.orthogonal(model.get_submodule("2"))
    before = model(inputs)

    with pytest.raises(ModulePathError, match="found a parametrized one; use rows='own'"):
        apply(model, WidenHead(path="2", to=6, rows="in_place"))
    apply(model, WidenHead(path="2", to=6))

    assert torch.equal(model(inputs)[:, :4], before)


def test_what_joins_a_frozen_layer_is_frozen() -> None:
    model = mlp().requires_grad_(False)

    apply(model, WidenHead(path="2", to=7))

    assert not any(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize("rows", ["own", "in_place"])
def test_the_promise_is_kept(rows: str) -> None:
    model, inputs = mlp(), torch.randn(50, 3)
    operation, before = WidenHead.model_validate({"path": "2", "to": 9, "rows": rows}), model(inputs)

    apply(model, operation)

    tolerance = 0.0 if operation.promise() is Promise.EXACT else 1e-6
    torch.testing.assert_close(model(inputs)[:, :4], before, rtol=tolerance, atol=tolerance)


def test_new_biases_are_zero_unless_said_otherwise() -> None:
    model = mlp()

    apply(model, WidenHead(path="2", to=7, new_rows=Zeros()))

    assert not model(torch.randn(5, 3))[:, 4:].any()

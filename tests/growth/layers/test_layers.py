"""What every layer that can be inserted promises, and what some do alone."""

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from harness.core.errors import SpecError
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
from harness.initializers import Zeros

VECTORS, SEQUENCES, MAPS, VOLUMES = (7, 4), (7, 5, 4), (7, 4, 6, 5), (7, 4, 3, 3, 3)

CASES: list[tuple[AbstractLayer, tuple[int, ...]]] = [
    (AttentionBlock(heads=2), SEQUENCES),
    (AttentionBlock(heads=4, causal=True, dropout=0.2), SEQUENCES),
    (ConvBlock(width=3), MAPS),
    (ConvBlock(width=3, kernel_size=1), VOLUMES),
    (ConvLayer(), MAPS),
    (ConvLayer(kernel_size=5), VOLUMES),
    (LinearLayer(), VECTORS),
    (LinearLayer(), SEQUENCES),
    (MLPBlock(width=3, dropout=0.2), VECTORS),
    (MLPBlock(width=3, activation="relu"), SEQUENCES),
    (NormLayer(), VECTORS),
    (NormLayer(), SEQUENCES),
    (NormLayer(), MAPS),
    (NormLayer(), VOLUMES),
]


def features(shape: tuple[int, ...]) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 2 + 1


def built(layer: AbstractLayer, found: Tensor, function: Function, seed: int = 1) -> nn.Module:
    return layer.build(found, function, torch.Generator().manual_seed(seed)).eval()


@pytest.fixture(params=CASES, ids=repr)
def case(request: pytest.FixtureRequest) -> tuple[AbstractLayer, Tensor]:
    layer, shape = request.param
    return layer, features(shape)


def test_every_layer_is_tested_here() -> None:
    own = {leaf for leaf in AbstractLayer.__subclasses__() if leaf.__module__.startswith("harness.")}

    assert {type(layer) for layer, _ in CASES} == own


def test_it_survives_json(case: tuple[AbstractLayer, Tensor]) -> None:
    assert AbstractLayer.model_validate(case[0].to_json()) == case[0]


def test_the_shape_is_kept_and_values_come_from_the_generator(case: tuple[AbstractLayer, Tensor]) -> None:
    layer, found = case

    first = built(layer, found, "random")
    torch.randn(7)
    second = built(layer, found, "random")

    assert first(found).shape == found.shape
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_a_branch_is_zero_and_its_last_layer_has_a_gradient(case: tuple[AbstractLayer, Tensor]) -> None:
    layer, found = case

    branch = built(layer, found, "residual")
    result = branch(found)
    (result * features(tuple(found.shape))).sum().backward()

    assert not result.any()
    assert any(parameter.grad is not None and parameter.grad.any() for parameter in branch.parameters())


def test_every_weight_of_a_branch_moves_within_two_steps(case: tuple[AbstractLayer, Tensor]) -> None:
    layer, found = case
    branch = built(layer, found, "residual")
    before = {name: parameter.detach().clone() for name, parameter in branch.named_parameters()}
    optimizer = torch.optim.SGD(branch.parameters(), lr=0.01)

    for _ in range(2):
        optimizer.zero_grad()
        (branch(found) - found.flip(0)).square().sum().backward()
        optimizer.step()

    still = [name for name, parameter in branch.named_parameters() if torch.equal(parameter, before[name])]
    assert still == []


@pytest.mark.parametrize(
    ("layer", "shape"),
    [case for case in CASES if "identity" in case[0].functions and case != (NormLayer(), SEQUENCES)],
)
def test_an_identity_gives_what_it_gets(layer: AbstractLayer, shape: tuple[int, ...]) -> None:
    found = features(shape)

    torch.testing.assert_close(built(layer, found, "identity")(found), found)


@pytest.mark.parametrize("kernel_size", [1, 3, 5, 7])
def test_an_identity_convolution_shifts_no_pixel(kernel_size: int) -> None:
    dot = torch.zeros(1, 2, 9, 9)
    dot[0, 1, 4, 3] = 1

    found = built(ConvLayer(kernel_size=kernel_size), dot, "identity")(dot)

    assert torch.equal(found, dot)


@pytest.mark.parametrize("layer", [ConvLayer, ConvBlock])
def test_a_kernel_without_a_center_is_refused(layer: type[AbstractLayer]) -> None:
    with pytest.raises(ValidationError, match="odd kernel"):
        layer.model_validate({"kernel_size": 4, "width": 3} if layer is ConvBlock else {"kernel_size": 4})


@pytest.mark.parametrize("shape", [VECTORS, MAPS])
def test_an_identity_norm_has_the_statistics_of_what_it_sees(shape: tuple[int, ...]) -> None:
    found = features(shape)

    norm = built(NormLayer(), found, "identity")

    torch.testing.assert_close(norm.train()(found), found, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(
        norm.get_buffer("running_mean"), found.transpose(0, 1).flatten(1).mean(1), atol=0.2, rtol=0
    )


@pytest.mark.parametrize("layer", [LinearLayer(activation="relu"), ConvLayer(activation="relu")])
def test_a_relu_follows_an_identity_only_where_nothing_is_negative(layer: AbstractLayer) -> None:
    found = features(MAPS if layer.kind == "conv" else VECTORS)

    torch.testing.assert_close(built(layer, found.relu(), "identity")(found.relu()), found.relu())
    with pytest.raises(SpecError, match=r"that a relu has made, found -"):
        built(layer, found, "identity")


@pytest.mark.parametrize(
    ("layer", "function", "message"),
    [
        (LinearLayer(activation="gelu"), "identity", "relu, which repeats itself"),
        (ConvLayer(activation="tanh"), "identity", "relu, which repeats itself"),
        (LinearLayer(activation="relu"), "residual", "slope at zero"),
        (MLPBlock(width=2), "identity", "expected a function among residual, random"),
        (AttentionBlock(), "identity", "expected a function among residual, random"),
    ],
)
def test_a_beginning_that_cannot_be_is_refused(layer: AbstractLayer, function: Function, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        layer.check(function)


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (LinearLayer(), MAPS, r"\[B, D\] or \[B, T, D\]"),
        (ConvLayer(), SEQUENCES, r"\[B, C, H, W\] or \[B, C, D, H, W\]"),
        (ConvBlock(width=2), VECTORS, r"\[B, C, H, W\]"),
        (MLPBlock(width=2), MAPS, r"\[B, T, D\]"),
        (AttentionBlock(), VECTORS, r"expected features \[B, T, D\]"),
        (AttentionBlock(heads=3), SEQUENCES, "divide the 4 features"),
    ],
)
def test_features_that_do_not_fit_are_refused(layer: AbstractLayer, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        built(layer, features(shape), "residual")


def test_layer_norm_is_never_the_identity() -> None:
    with pytest.raises(SpecError, match="function='residual'"):
        built(NormLayer(), features(SEQUENCES), "identity")


@pytest.mark.parametrize("kind", ["mlp", "conv_block", "attention"])
def test_hidden_zeros_are_refused(kind: str) -> None:
    with pytest.raises(ValidationError, match="hidden weights that differ"):
        AbstractLayer.model_validate({"kind": kind, "init": Zeros()} | ({} if kind == "attention" else {"width": 2}))

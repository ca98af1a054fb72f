import copy

import pytest
import torch
from torch import Tensor, nn

from harness.core.errors import ModulePathError
from harness.models.widened import Widened, fuse, output_parts, widen


def linear(outputs: int, *, bias: bool = True) -> nn.Linear:
    return nn.Linear(4, outputs, bias=bias)


def with_a_child() -> nn.Module:
    layer = linear(3)
    layer.add_module("inserted", nn.ReLU())
    return layer


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("bias", [True, False])
def test_a_fused_layer_has_the_same_rows_and_says_the_same(bias: bool, dtype: torch.dtype) -> None:
    module = Widened(linear(3, bias=bias), linear(2, bias=bias), linear(1, bias=bias)).to(dtype)
    inputs = torch.randn(5, 4, dtype=dtype)

    plain = fuse(module)

    assert type(plain) is nn.Linear
    assert plain.out_features == module.out_features == 6
    torch.testing.assert_close(plain(inputs), module(inputs))
    assert torch.equal(plain.weight, module.weight)
    assert (plain.bias is None) == (not bias)


def test_a_fused_convolution_has_the_same_settings() -> None:
    settings = {"stride": 2, "padding": 1, "dilation": 2, "padding_mode": "reflect"}
    parts = [nn.Conv2d(3, outputs, 3, **settings) for outputs in (4, 2)]  # type: ignore[arg-type]
    module, maps = Widened(*parts), torch.randn(2, 3, 9, 9)

    plain = fuse(module)

    torch.testing.assert_close(plain(maps), module(maps))
    torch.testing.assert_close(plain(maps[0]), module(maps[0]))


def test_a_fused_layer_shares_nothing_with_its_parts() -> None:
    module = Widened(linear(3), linear(2))
    before = module.weight.detach().clone()

    with torch.no_grad():
        fuse(module).weight.zero_()

    assert torch.equal(module.weight, before)


@pytest.mark.parametrize(("frozen", "trainable"), [((0,), True), ((0, 1), False)])
def test_a_fused_layer_is_trained_if_a_part_is(frozen: tuple[int, ...], trainable: bool) -> None:
    module = Widened(linear(3), linear(2))
    for part in frozen:
        module.parts[part].requires_grad_(False)

    assert fuse(module).weight.requires_grad is trainable


def test_whoever_reads_the_layer_as_a_plain_one_gets_the_whole() -> None:
    module, inputs = Widened(linear(3), linear(2)), torch.randn(5, 4)

    logits = nn.functional.linear(inputs, module.weight, module.bias)
    logits.sum().backward()

    torch.testing.assert_close(logits, module(inputs))
    assert all(parameter.grad is not None for parameter in module.parameters())
    assert (module.in_features, module.out_features) == (4, 5)


def test_state_survives_a_copy_and_a_dictionary() -> None:
    module, inputs = Widened(linear(3), linear(2)), torch.randn(5, 4)

    twin = copy.deepcopy(module)
    other = Widened(linear(3), linear(2))
    other.load_state_dict(module.state_dict())

    assert torch.equal(twin(inputs), module(inputs))
    assert torch.equal(other(inputs), module(inputs))
    assert list(module.state_dict()) == [f"parts.{part}.{name}" for part in (0, 1) for name in ("weight", "bias")]


def test_parts_of_parts_lie_side_by_side() -> None:
    model = nn.Sequential(linear(3))

    for _ in range(2):
        widen(model, "0", linear(1))

    assert [len(part.weight) for part in output_parts(model, "0")] == [3, 1, 1]


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (nn.ReLU(), r"expected nn\.Linear or nn\.Conv2d at '0', found ReLU"),
        (nn.Conv2d(4, 4, 1, groups=2), "expected a convolution of one group at '0', found 2"),
        (with_a_child(), "expected a layer that holds no others at '0', found 'inserted' in it"),
        (nn.LazyLinear(3), "found a lazy layer without; run the network once"),
    ],
)
def test_what_is_no_output_layer_is_named(layer: nn.Module, message: str) -> None:
    with pytest.raises(ModulePathError, match=message):
        output_parts(nn.Sequential(layer), "0")


def test_a_weight_that_a_hook_computes_is_refused() -> None:
    layer = linear(3)
    with pytest.warns(FutureWarning):
        nn.utils.weight_norm(layer)

    with pytest.raises(ModulePathError, match="found one that a hook computes; use torch"):
        output_parts(nn.Sequential(layer), "0")


def test_the_network_itself_has_no_place_to_be_put_into() -> None:
    with pytest.raises(ModulePathError, match="found the network itself"):
        widen(linear(3), "", linear(2))


def test_a_widened_network_is_widened_further() -> None:
    module, inputs = Widened(linear(3), linear(2)), torch.randn(5, 4)

    widen(module, "", linear(1))

    outputs: Tensor = module(inputs)
    assert outputs.shape == (5, 6)


def test_a_state_dict_from_before_the_growth_says_when_to_load_it() -> None:
    plain, grown = nn.Sequential(nn.Linear(3, 2)), nn.Sequential(nn.Linear(3, 2))
    widen(grown, "0", nn.Linear(3, 1))

    with pytest.raises(RuntimeError, match=r"the rows of '0' in parts, .* found one layer; load"):
        grown.load_state_dict(plain.state_dict())

    grown.load_state_dict(grown.state_dict())

import pytest
import torch
from torch import nn

from harness.core.errors import ModulePathError
from harness.growth.operations import transfer
from harness.models import MLP, ConvNet, GrowableModel


def conv(outputs: int) -> nn.Module:
    return ConvNet(image=(1, 8, 8), channels=(4, 6), hidden=7).build(outputs)


def values(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def test_everything_but_another_output_layer_is_taken_over() -> None:
    source, target = conv(3), conv(5)
    source.get_buffer("blocks.0.norm.running_mean").fill_(0.7)
    source.get_buffer("blocks.0.norm.num_batches_tracked").fill_(4)
    parameters, before = list(target.parameters()), values(target)

    report = transfer(source, target)

    after = values(target)
    assert report.initialized == report.left == ("output.weight", "output.bias")
    assert all(torch.equal(after[name], source.state_dict()[name]) for name in report.copied)
    assert all(torch.equal(after[name], before[name]) for name in report.initialized)
    assert {*report.copied, *report.initialized} == {*before}
    assert all(a is b for a, b in zip(target.parameters(), parameters, strict=True))


def test_overlapping_rows_are_taken_over_on_request() -> None:
    source, target = conv(3), conv(5)
    before = values(target)

    report = transfer(source, target, overlap=True)

    weight = target.get_parameter("output.weight")
    assert report.overlapping == {"output.weight": "output.weight", "output.bias": "output.bias"}
    assert torch.equal(weight[:3], source.get_parameter("output.weight"))
    assert torch.equal(weight[3:], before["output.weight"][3:])
    assert report.initialized == report.left == ()


def test_a_deeper_network_takes_each_layer_from_where_it_was() -> None:
    source = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    target = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4))
    old, inserted = source.state_dict(), target.state_dict()["1.weight"].clone()

    report = transfer(source, target, {"2": "1"})

    new = target.state_dict()
    assert torch.equal(new["0.weight"], old["0.weight"])
    assert torch.equal(new["1.weight"], inserted)  # not what was called `1.weight` in the source
    assert torch.equal(new["2.weight"], old["1.weight"])
    assert report.copied["2.bias"] == "1.bias"
    assert report.initialized == ("1.weight", "1.bias")
    assert report.left == ()


def test_a_wrapped_network_takes_over_a_plain_one() -> None:
    source, target = MLP(inputs=3, widths=(4,)).build(2), GrowableModel(MLP(inputs=3, widths=(4,)).build(6), "known")

    report = transfer(source, target, {"backbone": ""})

    assert torch.equal(target.get_parameter("backbone.hidden.0.linear.weight"), next(source.parameters()))
    assert report.initialized == ("backbone.output.weight", "backbone.output.bias")
    assert report.left == ("output.weight", "output.bias")


def test_none_says_that_something_stays() -> None:
    source, target = conv(3), conv(3)
    before = values(target)

    report = transfer(source, target, {"output": None, "blocks.0.conv.weight": None})

    assert report.initialized == ("blocks.0.conv.weight", "output.weight", "output.bias")
    assert torch.equal(target.get_parameter("output.weight"), before["output.weight"])


def test_type_and_gradients_stay_those_of_the_target() -> None:
    source, target = conv(3).double(), conv(3).bfloat16()
    target.get_parameter("output.bias").requires_grad_(False)

    transfer(source, target)

    assert {parameter.dtype for parameter in target.parameters()} == {torch.bfloat16}
    assert [name for name, parameter in target.named_parameters() if not parameter.requires_grad] == ["output.bias"]


def test_tied_weights_are_taken_over_once() -> None:
    def tied() -> nn.Module:
        model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
        model[1].weight = model[0].weight
        return model

    source, target = tied(), tied()

    report = transfer(source, target)

    assert list(report.copied) == ["0.weight", "0.bias", "1.bias"]
    assert target.get_parameter("1.weight") is target.get_parameter("0.weight")


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"outputs": "output"}, r"no tensor or module 'outputs' in the target"),
        ({"output": "classifier"}, r"no tensor or module 'classifier' in the source"),
        ({"output.weight": "output.weight"}, r"fit 'output\.weight' of shape \(5, 7\), found \(3, 7\)"),
    ],
)
def test_a_map_that_does_not_fit_copies_nothing(mapping: dict[str, str | None], message: str) -> None:
    source, target = conv(3), conv(5)
    before = values(target)

    with pytest.raises(ModulePathError, match=message):
        transfer(source, target, mapping)

    assert all(torch.equal(value, before[name]) for name, value in target.state_dict().items())

import pytest
import torch
from torch import Tensor, nn

from harness.models.widened import Widened
from harness.training.packing import layers
from harness.training.packing.layers import Parameters, apart, layer_of, stacked

STREAM = torch.Generator()


def learned(function: object, inputs: Tensor, slopes: Tensor) -> tuple[Tensor, Tensor]:
    """Return outputs, and the gradient of the inputs."""
    leaf = inputs.detach().clone().requires_grad_()
    outputs = function(leaf)  # type: ignore[operator]
    (outputs * slopes).sum().backward()
    assert leaf.grad is not None
    return outputs.detach(), leaf.grad


@pytest.mark.parametrize("kind", [*layers.ELEMENTWISE, lambda: nn.GELU(approximate="tanh")])
@pytest.mark.parametrize("shape", [(3, 16, 13), (3, 12, 7), (4, 5, 3), (2, 64, 10)])
def test_functions_of_each_value_are_those_of_each_network(kind: type[nn.Module], shape: tuple[int, ...]) -> None:
    modules = [kind() for _ in range(shape[0])]
    layer = layer_of(modules, Parameters())
    assert layer is not None
    STREAM.manual_seed(0)

    for _ in range(8):  # what is left over after whole vectors is the same by chance now and then
        inputs, slopes = (2 * torch.randn(shape, generator=STREAM) for _ in range(2))
        found = learned(lambda values: stacked(layer(values, None)), inputs, slopes)
        for row, module in enumerate(modules):
            own = learned(module, inputs[row], slopes[row])
            assert all(torch.equal(one[row], other) for one, other in zip(found, own, strict=True))


def test_dropout_draws_from_the_stream_of_each_network() -> None:
    modules, inputs = [nn.Dropout(0.3) for _ in range(3)], torch.randn(3, 16, 7)
    layer = layer_of(modules, Parameters())
    assert layer is not None

    found = layer(inputs, [torch.Generator().manual_seed(seed) for seed in range(3)])

    for seed, (module, outputs) in enumerate(zip(modules, apart(found), strict=True)):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            assert torch.equal(outputs, module(inputs[seed]))
    assert layer(inputs, None) is inputs


def test_parameters_that_are_used_twice_lie_in_one_tensor() -> None:
    networks = [nn.Sequential(twice := nn.Linear(4, 4), nn.ReLU(), twice) for _ in range(2)]
    parameters = Parameters()

    layer = layer_of(networks, parameters)

    assert layer is not None
    assert len(parameters.shared) == 2
    inputs = torch.randn(2, 8, 4)
    found = stacked(layer(inputs, None))
    assert all(torch.equal(found[row], network(inputs[row])) for row, network in enumerate(networks))


@pytest.mark.parametrize("module", [nn.GLU, nn.AlphaDropout, lambda: nn.Sequential(nn.ReLU(), nn.Dropout2d())])
def test_there_is_no_layer_without_a_rule(module: type[nn.Module]) -> None:
    assert layer_of([module(), module()], Parameters()) is None


def test_the_parts_of_a_widened_layer_lie_side_by_side() -> None:
    modules = [Widened(nn.Linear(6, 3), nn.Linear(6, 2)) for _ in range(2)]
    layer, inputs = layer_of(modules, Parameters()), torch.randn(2, 16, 6)

    assert layer is not None
    found = stacked(layer(inputs, None))

    assert all(torch.equal(found[row], module(inputs[row])) for row, module in enumerate(modules))

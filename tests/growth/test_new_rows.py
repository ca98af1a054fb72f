import pytest
import torch
from torch import Tensor, nn

from harness.growth.new_rows import all_rows, drawn_rows, renewed, stacked
from harness.growth.probe import Probe
from harness.initializers import AbstractInitializer, LayerContext, Zeros
from harness.models.widened import Widened, output_parts


class Recorder(AbstractInitializer):
    """Remembers the context that it is asked to fill."""

    kind: str = "recorder"

    def values(self, shape: tuple[int, ...], context: LayerContext, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        CONTEXTS.append(context)
        return torch.zeros(shape)


CONTEXTS: list[LayerContext] = []


@pytest.mark.parametrize(
    ("layer", "shape", "fans"), [(nn.Linear(3, 4), (5, 3), (3, 10)), (nn.Conv2d(3, 4, 5), (5, 3, 9, 9), (75, 250))]
)
def test_initializers_see_the_whole_layer(layer: nn.Module, shape: tuple[int, ...], fans: tuple[int, int]) -> None:
    model, inputs = nn.Sequential(layer).double(), torch.randn(shape, dtype=torch.float64)
    CONTEXTS.clear()

    weight, bias = drawn_rows(
        model,
        "0",
        (Recorder(), Recorder()),
        total=10,
        count=6,
        probe=Probe(inputs, torch.arange(5)),
        generator=torch.Generator(),
    )

    assert (len(weight), None if bias is None else len(bias)) == (6, 6)
    for context, name in zip(CONTEXTS, ("weight", "bias"), strict=True):
        assert (context.fan_in, context.fan_out) == fans
        assert context.old is not None
        assert context.features is not None
        torch.testing.assert_close(context.old, model.get_parameter(f"0.{name}").detach().float())
        torch.testing.assert_close(
            context.features, inputs.flatten(2).mean(2).float() if len(shape) > 2 else inputs.float()
        )
        assert torch.equal(context.targets, torch.arange(5)) if context.targets is not None else False


def test_no_rows_are_drawn_where_none_are_wanted() -> None:
    model = nn.Sequential(nn.Linear(3, 4, bias=False))

    weight, bias = drawn_rows(model, "0", (Zeros(), Zeros()), total=4, count=0, probe=None, generator=torch.Generator())

    assert (weight.shape, bias) == ((0, 3), None)


def test_rows_are_stacked_in_the_type_of_the_layer() -> None:
    layer = nn.Linear(3, 4).bfloat16()

    weight, bias = stacked(layer, (torch.ones(2, 3), torch.ones(2)))

    assert (weight.shape, weight.dtype) == ((6, 3), torch.bfloat16)
    assert bias is not None
    assert torch.equal(bias[:4], layer.bias)


def test_all_rows_are_those_of_all_parts() -> None:
    module = Widened(nn.Linear(3, 4), nn.Linear(3, 2))

    weight, bias = all_rows(output_parts(nn.Sequential(module), "0"))

    assert torch.equal(weight, module.weight)
    assert bias is not None
    assert not bias.requires_grad


def test_the_record_says_where_the_old_rows_are() -> None:
    layer = nn.Linear(3, 4)
    old = layer.weight

    (carried,) = renewed(layer, layer, torch.cat([old.detach(), torch.ones(2, 3)]), None, moments="mean")

    assert carried.old is old
    assert carried.new is layer.weight
    assert torch.equal(carried.new[carried.region], old)
    assert carried.moments == "mean"

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.core.errors import SpecError
from harness.growth.consumers import consumers
from harness.growth.layers import LinearLayer
from harness.growth.linear_path import path_gradients
from harness.growth.operations import InsertLayer
from harness.growth.probe import Probe
from harness.growth.tracing import trace
from harness.models import GrowableModel
from harness.models.head import Head


def gradients(model: nn.Module, path: str, probe: Probe, output: str | None = None) -> tuple[Tensor, ...]:
    traced = trace(model, probe.inputs)
    return path_gradients(model, traced, consumers(traced, path, 2), probe, output)


def test_it_is_the_gradient_of_a_unit_with_slope_one_through_convolutions() -> None:
    model = nn.Sequential(
        nn.Conv2d(2, 3, 3, stride=2, padding=1, padding_mode="reflect"),
        nn.BatchNorm2d(3),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Conv2d(3, 4, 2),
        nn.Flatten(),
        nn.Linear(36, 5),
    )
    model.double().eval()
    inputs, targets = torch.randn(6, 2, 16, 16).double(), torch.tensor([0, 1, 2, 3, 4, -1])

    (found,) = gradients(model, "0", Probe(inputs, targets))

    incoming, outgoing = torch.zeros(1, 2, 3, 3).double().requires_grad_(), torch.randn(4, 1, 2, 2).double()
    unit = functional.conv2d(functional.pad(inputs, (1, 1, 1, 1), mode="reflect"), incoming, stride=2)
    maps = model[:5](inputs) + functional.conv2d(functional.avg_pool2d(unit, 2), outgoing)
    functional.cross_entropy(model[5:](maps)[:5].float(), targets[:5]).backward()
    assert incoming.grad is not None
    expected = torch.einsum("okm,ok->m", found, outgoing.reshape(4, 4))
    torch.testing.assert_close(expected, incoming.grad.flatten())


def test_each_place_of_a_flattened_map_has_its_weight() -> None:
    model = nn.Sequential(nn.Conv2d(1, 3, 1), nn.ReLU(), nn.Flatten(), nn.Linear(12, 5)).eval()
    inputs, targets = torch.randn(6, 1, 2, 2), torch.arange(6) % 5

    (found,) = gradients(model, "0", Probe(inputs, targets))

    logits = model(inputs).detach().requires_grad_()
    functional.cross_entropy(logits, targets).backward()
    assert logits.grad is not None
    torch.testing.assert_close(found[:, :, 0].float(), logits.grad.T @ inputs.flatten(1))


def test_what_was_inserted_after_the_reader_is_part_of_the_loss_and_not_of_the_path() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).eval()
    inputs, targets = torch.randn(5, 3), torch.arange(5) % 2
    before = gradients(model, "0", Probe(inputs, targets))

    InsertLayer(after="2", layer=LinearLayer(), function="identity").apply(
        model, probe=Probe(inputs), generator=torch.Generator()
    )
    with torch.no_grad():
        model.get_parameter("2.inserted.layer.linear.weight").mul_(-1)
    after = gradients(model, "0", Probe(inputs, targets))

    logits = (-(model[2].weight @ model[1](model[0](inputs)).T).T - model[2].bias).detach().requires_grad_()
    functional.cross_entropy(logits, targets).backward()
    assert logits.grad is not None
    torch.testing.assert_close(after[0][:, 0].float(), -logits.grad.T @ inputs)
    assert not torch.allclose(before[0], after[0])


def test_only_the_output_that_is_asked_for_counts(conv_model: GrowableModel, images: Tensor) -> None:
    conv_model.attach("late", Head((7, 2)), "hidden")
    conv_model.attach("off", Head((7, 2)), "hidden")
    conv_model.switch("off", on=False)

    known = gradients(conv_model, "backbone.hidden.linear", Probe(images, torch.arange(5) % 3))
    late = gradients(conv_model, "backbone.hidden.linear", Probe(images, torch.arange(5) % 2), "late")

    assert [bool(gradient.any()) for gradient in known] == [True, False, False]
    assert [bool(gradient.any()) for gradient in late] == [False, True, False]
    assert all(parameter.grad is None for parameter in conv_model.parameters())
    assert not any(module._forward_hooks for module in conv_model.modules())


@pytest.mark.parametrize(
    ("targets", "output", "message"),
    [
        (None, None, r"give Probe\(inputs, targets\)"),
        (torch.tensor([0, 1, 2, 3, -1]), None, r"expected targets below 3, .* found \[-1, 0, 1, 2, 3\]"),
        (torch.full((5,), -1), None, r"found \[-1\]"),
        (torch.zeros(5).long(), "knwon", r"no output 'knwon'. Did you mean 'known'\?"),
    ],
)
def test_targets_that_say_nothing_are_refused(
    targets: Tensor | None, output: str | None, message: str, conv_model: GrowableModel, images: Tensor
) -> None:
    with pytest.raises(SpecError, match=message):
        gradients(conv_model, "backbone.hidden.linear", Probe(images, targets), output)

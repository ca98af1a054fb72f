"""Surgery on every optimizer that torch has and growth supports."""

from collections.abc import Callable, Iterable

import pytest
import torch
from torch import nn
from torch.optim import Optimizer

from harness.core.errors import SurgeryError
from harness.growth import AttachHead, Probe, Unchanged, WidenHead, grow
from harness.growth.surgery import check_coverage
from harness.models import GrowableModel

Make = Callable[[Iterable[nn.Parameter]], Optimizer]

OPTIMIZERS: dict[str, Make] = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.05),
    "sgd momentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.01),
    "sgd nesterov": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01),
    "adam amsgrad": lambda p: torch.optim.Adam(p, lr=0.01, amsgrad=True),
    "adam foreach": lambda p: torch.optim.Adam(p, lr=0.01, foreach=True),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
    "adamw fused": lambda p: torch.optim.AdamW(p, lr=0.01, fused=True),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.001, momentum=0.9),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.1, initial_accumulator_value=0.1),
    "nadam": lambda p: torch.optim.NAdam(p, lr=0.01),
    "adamax": lambda p: torch.optim.Adamax(p, lr=0.01),
    "adafactor": lambda p: torch.optim.Adafactor(p, lr=0.01),
}


@pytest.fixture(params=OPTIMIZERS)
def make(request: pytest.FixtureRequest) -> Make:
    return OPTIMIZERS[request.param]


def step(model: nn.Module, optimizer: Optimizer, images: torch.Tensor) -> None:
    optimizer.zero_grad()
    outputs = model(images)
    torch.stack([output.square().mean() for output in outputs.values()]).sum().backward()
    optimizer.step()


def memory(optimizer: Optimizer, parameters: list[nn.Parameter]) -> list[dict[str, torch.Tensor]]:
    return [
        {key: torch.as_tensor(value).clone() for key, value in optimizer.state[p].items() if value is not None}
        for p in parameters
    ]


def test_old_moments_are_bit_identical_and_training_goes_on(
    make: Make, conv_model: GrowableModel, images: torch.Tensor
) -> None:
    optimizer, old = make(conv_model.parameters()), list(conv_model.parameters())
    for _ in range(3):
        step(conv_model, optimizer, images)
    before = memory(optimizer, old)

    grow(conv_model, optimizer, AttachHead(name="late", outputs=2, tap="hidden"), probe=Probe(images))
    after = memory(optimizer, old)
    new = [parameter.clone() for parameter in conv_model.heads.parameters()]
    step(conv_model, optimizer, images)

    check_coverage(conv_model, optimizer)
    assert all(a.keys() == b.keys() for a, b in zip(after, before, strict=True))
    assert all(torch.equal(a[key], b[key]) for a, b in zip(after, before, strict=True) for key in b)
    assert all(not torch.equal(p, n) for p, n in zip(conv_model.heads.parameters(), new, strict=True))


def test_new_parameters_learn_as_under_a_fresh_optimizer(
    make: Make, conv_model: GrowableModel, images: torch.Tensor
) -> None:
    optimizer = make(conv_model.parameters())
    for _ in range(3):
        step(conv_model, optimizer, images)
    grow(conv_model, optimizer, AttachHead(name="late", outputs=2, tap="hidden"), probe=Probe(images))
    own = [nn.Parameter(parameter.detach().clone()) for parameter in conv_model.heads.parameters()]
    fresh = make(own)

    for _ in range(3):
        step(conv_model, optimizer, images)
        for parameter, twin in zip(conv_model.heads.parameters(), own, strict=True):
            twin.grad = parameter.grad
        fresh.step()

    assert all(torch.equal(p, q) for p, q in zip(conv_model.heads.parameters(), own, strict=True))


def test_what_cannot_be_carried_over_is_refused_and_nothing_changes(
    conv_model: GrowableModel, images: torch.Tensor
) -> None:
    optimizer = torch.optim.Adafactor(conv_model.parameters())
    step(conv_model, optimizer, images)
    before, group = list(conv_model.parameters()), optimizer.param_groups[0]["params"]

    with pytest.raises(SurgeryError, match=r"Adafactor can go on with .* found that its 'row_var' is \[3, 1\]"):
        grow(conv_model, optimizer, WidenHead(path="output", to=5, rows="in_place"))

    assert all(p is q for p, q in zip(conv_model.parameters(), before, strict=True))
    assert all(p is q for p, q in zip(optimizer.param_groups[0]["params"], group, strict=True))


def test_an_optimizer_that_holds_parameters_elsewhere_is_refused(
    conv_model: GrowableModel, images: torch.Tensor
) -> None:
    optimizer = torch.optim.LBFGS(conv_model.parameters())

    with pytest.raises(SurgeryError, match="found LBFGS, which keeps parameters in its '_params'"):
        grow(conv_model, optimizer, AttachHead(name="late", outputs=2, tap="hidden"), probe=Probe(images))


def test_it_may_hold_them_where_nothing_changes(conv_model: GrowableModel) -> None:
    grow(conv_model, torch.optim.LBFGS(conv_model.parameters()), Unchanged())

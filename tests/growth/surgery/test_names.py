"""Optimizers that were built from `named_parameters()` name each parameter as the network does."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import SGD, Optimizer

from harness.growth import (
    AbstractOperation,
    AttachHead,
    InsertLayer,
    Probe,
    ReplaceHead,
    SplitClass,
    WidenHead,
    WidenLayer,
    grow,
)
from harness.growth.layers import MLPBlock
from harness.growth.surgery import scale_rates
from harness.models import GrowableModel

PROBE = Probe(torch.ones(3, 4))
OPERATIONS: tuple[AbstractOperation, ...] = (
    AttachHead(name="late", outputs=2, tap="1"),
    InsertLayer(after="0", layer=MLPBlock(width=3)),
    ReplaceHead(path="2", to=2),
    SplitClass(path="2", parent=0, children=2),
    SplitClass(path="2", parent=0, children=2, rows="in_place"),
    WidenHead(path="2", to=5),
    WidenHead(path="2", to=5, rows="in_place"),
    WidenLayer(path="0", by=2),
)


def label(operation: AbstractOperation) -> str:
    return f"{operation.kind} {getattr(operation, 'rows', '')}".strip()


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))


def held(optimizer: Optimizer) -> dict[int, str]:
    groups: list[dict[str, Any]] = optimizer.param_groups
    pairs = [pair for group in groups for pair in zip(group["params"], group["param_names"], strict=True)]
    return {id(parameter): name for parameter, name in pairs}


def names(model: nn.Module) -> dict[int, str]:
    return {id(parameter): name for name, parameter in model.named_parameters()}


@pytest.mark.parametrize("operation", OPERATIONS, ids=label)
def test_every_name_is_that_of_its_own_parameter(operation: AbstractOperation) -> None:
    model = GrowableModel(network(), "known")
    optimizer = SGD(model.named_parameters(), 0.1)

    grow(model, optimizer, operation, probe=PROBE)

    assert held(optimizer) == names(model)


def test_names_of_the_part_that_the_optimizer_was_given_stay_those_of_the_part() -> None:
    inner = network()
    optimizer = SGD(inner.named_parameters(), 0.1)
    model = GrowableModel(inner, "known")

    grow(model, optimizer, WidenHead(path="2", to=5))

    assert held(optimizer) == names(inner)


def test_names_of_a_compiled_model_stay_those_of_the_compiled_one() -> None:
    model = torch.compile(network(), backend="eager")
    assert isinstance(model, nn.Module)
    optimizer = SGD(model.named_parameters(), 0.1)

    grow(model, optimizer, WidenHead(path="2", to=5))

    assert held(optimizer) == names(model)


def test_names_that_a_user_chose_stay() -> None:
    model = network()
    optimizer = SGD([(f"layer {n}", parameter) for n, parameter in enumerate(model.parameters())], 0.1)

    grow(model, optimizer, WidenHead(path="2", to=5))

    assert list(held(optimizer).values())[:4] == ["layer 0", "layer 1", "layer 2", "layer 3"]
    assert list(held(optimizer).values())[4:] == ["2.parts.1.weight", "2.parts.1.bias"]


@pytest.mark.parametrize("start", [lambda model: SGD(model.named_parameters(), 0.1)])
def test_a_group_that_is_divided_keeps_names(start: Callable[[nn.Module], Optimizer]) -> None:
    model = network()
    optimizer = start(model)

    scale_rates(optimizer, {model.get_parameter("0.bias"): 0.5})

    assert held(optimizer) == names(model)

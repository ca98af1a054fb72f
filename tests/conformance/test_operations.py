"""What every operation promises."""

import copy

import pytest
import torch

from harness.core.spec import LeafSpec
from harness.growth import AbstractOperation, AttachHead
from harness.growth.identities import Identities
from harness.growth.probe import Probe
from harness.growth.surgery import check_coverage, operate
from harness.models import GrowableModel
from harness.training.optimizers import AdamW

OPERATIONS = [
    AttachHead(name="late", outputs=2, tap="hidden"),
    AttachHead(name="late", outputs=2, tap="blocks.0", width=3, dropout=0.5, activation="gelu"),
]


def own_leaves(family: type[LeafSpec]) -> set[type[LeafSpec]]:
    return {leaf for leaf in family.__subclasses__() if leaf.__module__.startswith("harness.")}


@pytest.fixture(params=OPERATIONS, ids=repr)
def operation(request: pytest.FixtureRequest) -> AbstractOperation:
    found: AbstractOperation = request.param
    return found


def apply(operation: AbstractOperation, model: GrowableModel, images: torch.Tensor, seed: int = 0) -> None:
    operation.apply(model, probe=Probe(images), generator=torch.Generator().manual_seed(seed))


def test_every_operation_is_tested_here() -> None:
    assert {type(operation) for operation in OPERATIONS} == own_leaves(AbstractOperation)


def test_it_survives_json(operation: AbstractOperation) -> None:
    assert AbstractOperation.model_validate(operation.to_json()) == operation


def test_the_global_random_stream_is_left_alone(
    operation: AbstractOperation, conv_model: GrowableModel, images: torch.Tensor
) -> None:
    stream = torch.get_rng_state()

    apply(operation, conv_model, images)

    assert torch.equal(torch.get_rng_state(), stream)


def test_values_come_from_the_generator_alone(
    operation: AbstractOperation, conv_model: GrowableModel, images: torch.Tensor
) -> None:
    twin = copy.deepcopy(conv_model)

    apply(operation, conv_model, images, seed=3)
    torch.randn(7)
    apply(operation, twin, images, seed=3)

    assert all(torch.equal(a, b) for a, b in zip(conv_model.parameters(), twin.parameters(), strict=True))


def test_the_record_is_enough_for_the_optimizer(
    operation: AbstractOperation, conv_model: GrowableModel, images: torch.Tensor
) -> None:
    optimizer = AdamW().start(conv_model.parameters())

    growth = operation.apply(conv_model, probe=Probe(images), generator=torch.Generator())
    operate(optimizer, growth, step=0, lr_factor=1)

    check_coverage(conv_model, optimizer)


def test_everything_else_is_the_same_to_the_bit(
    operation: AbstractOperation, conv_model: GrowableModel, images: torch.Tensor
) -> None:
    before = {name: slot.tensor.clone() for name, slot in Identities(conv_model).items()}
    modes = {name: module.training for name, module in conv_model.backbone.named_modules()}

    apply(operation, conv_model, images)

    after = {name: slot.tensor for name, slot in Identities(conv_model).items()}
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert modes == {name: module.training for name, module in conv_model.backbone.named_modules()}

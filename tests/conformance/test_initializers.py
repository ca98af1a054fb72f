"""What every initializer promises."""

import pytest
import torch

import harness.initializers
from harness.core.spec import LeafSpec
from harness.initializers import AbstractInitializer

SHAPES = [(1, 1), (3, 5), (5, 3), (4, 3, 2, 2)]


def own_leaves(family: type[LeafSpec]) -> list[type[LeafSpec]]:
    return [leaf for leaf in family.__subclasses__() if leaf.__module__.startswith("harness.")]


LEAVES = own_leaves(AbstractInitializer)


@pytest.fixture(params=LEAVES, ids=lambda leaf: leaf.__name__)
def initializer(request: pytest.FixtureRequest) -> AbstractInitializer:
    found: AbstractInitializer = request.param()
    return found


def drawn(initializer: AbstractInitializer, shape: tuple[int, ...], seed: int = 0) -> torch.Tensor:
    return initializer.values(shape, shape[1], shape[0], torch.Generator().manual_seed(seed))


def test_every_leaf_is_public() -> None:
    public = {getattr(harness.initializers, name) for name in harness.initializers.__all__}

    assert set(LEAVES) == {
        found for found in public if isinstance(found, type) and issubclass(found, AbstractInitializer)
    } - {AbstractInitializer}


def test_kinds_are_unique() -> None:
    kinds = [leaf.model_fields["kind"].default for leaf in LEAVES]

    assert len(kinds) == len(set(kinds)) > 0


def test_it_survives_json(initializer: AbstractInitializer) -> None:
    assert AbstractInitializer.model_validate(initializer.to_json()) == initializer


def test_its_kind_alone_names_it(initializer: AbstractInitializer) -> None:
    assert AbstractInitializer.model_validate(initializer.kind) == initializer


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_are_finite_float32_of_the_shape_on_the_cpu(
    initializer: AbstractInitializer, shape: tuple[int, ...]
) -> None:
    values = drawn(initializer, shape)

    assert values.shape == shape
    assert values.dtype is torch.float32
    assert values.device == torch.device("cpu")
    assert values.isfinite().all()
    assert not values.requires_grad


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_global_random_stream_is_left_alone(initializer: AbstractInitializer, shape: tuple[int, ...]) -> None:
    stream = torch.get_rng_state()

    drawn(initializer, shape)

    assert torch.equal(torch.get_rng_state(), stream)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_come_from_the_generator_alone(initializer: AbstractInitializer, shape: tuple[int, ...]) -> None:
    before = drawn(initializer, shape, seed=3)

    torch.randn(7)
    drawn(initializer, shape, seed=4)

    assert torch.equal(drawn(initializer, shape, seed=3), before)


def test_values_share_no_memory(initializer: AbstractInitializer) -> None:
    before = drawn(initializer, (3, 5))
    kept = before.clone()

    drawn(initializer, (3, 5)).add_(1)

    assert torch.equal(before, kept)

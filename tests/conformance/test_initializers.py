"""What every initializer promises."""

import importlib
import json
import pkgutil

import pytest
import torch
from torch import Tensor

from harness import initializers
from harness.core.spec import LeafSpec
from harness.initializers import (
    AbstractInitializer,
    Constant,
    CopyOfParent,
    Identity,
    Imprint,
    KaimingNormal,
    KaimingUniform,
    LayerContext,
    LeCunNormal,
    LeCunUniform,
    MeanOfOldRows,
    Orthogonal,
    PriorBias,
    Ridge,
    TorchDefault,
    TruncatedNormal,
    XavierNormal,
    XavierUniform,
    Zeros,
    fill,
)

WEIGHT, KERNEL, BIAS = (3, 6), (3, 6, 3, 3), (3,)
SETTINGS: list[tuple[AbstractInitializer, tuple[int, ...]]] = [
    *((init, shape) for init in (Zeros(), Constant(value=0.5)) for shape in (WEIGHT, KERNEL, BIAS)),
    *((init, shape) for init in (KaimingNormal(), KaimingUniform()) for shape in (WEIGHT, KERNEL, BIAS)),
    *((init, shape) for init in (XavierNormal(), XavierUniform()) for shape in (WEIGHT, KERNEL, BIAS)),
    *((init, shape) for init in (LeCunNormal(), LeCunUniform()) for shape in (WEIGHT, KERNEL, BIAS)),
    *((TorchDefault(), shape) for shape in (WEIGHT, KERNEL, BIAS)),
    *((TruncatedNormal(std=0.1), shape) for shape in (WEIGHT, KERNEL, BIAS)),
    *((init, shape) for init in (Orthogonal(), Identity(), Identity(groups=3)) for shape in (WEIGHT, KERNEL)),
    *((CopyOfParent(parent=1, noise=0.2), shape) for shape in (WEIGHT, KERNEL, BIAS)),
    *((MeanOfOldRows(noise=0.2), shape) for shape in (WEIGHT, KERNEL, BIAS)),
    (PriorBias(), BIAS),
    (PriorBias(prior=0.01, link="sigmoid"), BIAS),
    (PriorBias(prior=(0.2, 0.3, 0.1)), BIAS),
    (Imprint(), WEIGHT),
    (Imprint(norm=2.0), WEIGHT),
    (Ridge(), WEIGHT),
]


def own_leaves(family: type[LeafSpec]) -> set[type[LeafSpec]]:
    for module in pkgutil.iter_modules(initializers.__path__, f"{initializers.__name__}."):
        importlib.import_module(module.name)
    return {leaf for leaf in family.__subclasses__() if leaf.__module__.startswith("harness.")}


@pytest.fixture(params=SETTINGS, ids=repr)
def setting(request: pytest.FixtureRequest) -> tuple[AbstractInitializer, tuple[int, ...]]:
    found: tuple[AbstractInitializer, tuple[int, ...]] = request.param
    return found


def place_for(shape: tuple[int, ...]) -> LayerContext:
    """Return a layer of four old rows like those of `shape`, with a probe of two examples of each new row."""
    fixed = torch.Generator().manual_seed(7)
    inputs = torch.Size(shape[1:]).numel()
    return LayerContext(
        fan_in=inputs,
        fan_out=7,
        old=torch.randn(4, *shape[1:], generator=fixed),
        features=torch.randn(8, inputs, generator=fixed),
        targets=torch.tensor([-1, 0, 1, 2, 2, 1, 0, -1]),
    )


def drawn(init: AbstractInitializer, shape: tuple[int, ...], seed: int = 3) -> Tensor:
    return init.values(shape, place_for(shape), torch.Generator().manual_seed(seed))


def test_every_initializer_is_tested_here() -> None:
    assert {type(init) for init, _ in SETTINGS} == own_leaves(AbstractInitializer)


def test_it_survives_json(setting: tuple[AbstractInitializer, tuple[int, ...]]) -> None:
    init, _ = setting

    assert AbstractInitializer.model_validate(json.loads(json.dumps(init.to_json()))) == init


def test_values_are_finite_float32_of_the_shape_on_the_cpu(
    setting: tuple[AbstractInitializer, tuple[int, ...]],
) -> None:
    init, shape = setting

    values = drawn(init, shape)

    assert values.shape == shape
    assert values.dtype == torch.float32
    assert values.device.type == "cpu"
    assert values.isfinite().all()
    assert not values.requires_grad


def test_they_do_not_depend_on_the_default_type(setting: tuple[AbstractInitializer, tuple[int, ...]]) -> None:
    init, shape = setting
    place = place_for(shape)
    expected = init.values(shape, place, torch.Generator().manual_seed(3))

    torch.set_default_dtype(torch.float64)
    try:
        values = init.values(shape, place, torch.Generator().manual_seed(3))
    finally:
        torch.set_default_dtype(torch.float32)

    assert values.dtype == torch.float32
    assert torch.equal(values, expected)


def test_they_come_from_the_generator_alone(setting: tuple[AbstractInitializer, tuple[int, ...]]) -> None:
    init, shape = setting
    stream = torch.get_rng_state()

    first = drawn(init, shape)
    assert torch.equal(torch.get_rng_state(), stream)
    torch.randn(11)

    assert torch.equal(drawn(init, shape), first)


def test_the_layer_that_they_join_is_left_as_it_was(setting: tuple[AbstractInitializer, tuple[int, ...]]) -> None:
    init, shape = setting
    place = place_for(shape)
    tensors = [tensor for tensor in (place.old, place.features, place.targets) if tensor is not None]
    before = [tensor.clone() for tensor in tensors]

    values = init.values(shape, place, torch.Generator().manual_seed(3))
    values += 1

    assert all(torch.equal(tensor, old) for tensor, old in zip(tensors, before, strict=True))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_a_parameter_of_another_type_gets_the_same_values(
    setting: tuple[AbstractInitializer, tuple[int, ...]], dtype: torch.dtype
) -> None:
    init, shape = setting
    parameter = torch.empty(shape, dtype=dtype, requires_grad=True)

    fill(parameter, init, place_for(shape), generator=torch.Generator().manual_seed(3))

    assert torch.equal(parameter, drawn(init, shape).to(dtype))

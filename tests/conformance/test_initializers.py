"""What every initializer promises."""

import importlib
import json
import pkgutil
from dataclasses import replace

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
    LikeOldRows,
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
    *((LikeOldRows(scale=0.5), shape) for shape in (WEIGHT, KERNEL, BIAS)),
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


def context_for(shape: tuple[int, ...]) -> LayerContext:
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
    return init.values(shape, context_for(shape), torch.Generator().manual_seed(seed))


def test_every_initializer_is_tested_here() -> None:
    assert {type(init) for init, _ in SETTINGS} == own_leaves(AbstractInitializer)


def test_each_survives_json() -> None:
    again = [AbstractInitializer.model_validate(json.loads(json.dumps(init.to_json()))) for init, _ in SETTINGS]

    assert again == [init for init, _ in SETTINGS]


def test_values_are_finite_float32_of_the_shape_on_the_cpu() -> None:
    for init, shape in SETTINGS:
        values = drawn(init, shape)

        assert (values.shape, values.dtype, values.device.type) == (shape, torch.float32, "cpu"), init
        assert values.isfinite().all(), init
        assert not values.requires_grad, init


def test_values_do_not_depend_on_the_default_type() -> None:
    contexts = [context_for(shape) for _, shape in SETTINGS]
    expected = [drawn(init, shape) for init, shape in SETTINGS]

    torch.set_default_dtype(torch.float64)
    try:
        values = [
            init.values(shape, context, torch.Generator().manual_seed(3))
            for (init, shape), context in zip(SETTINGS, contexts, strict=True)
        ]
    finally:
        torch.set_default_dtype(torch.float32)

    for (init, _), value, wanted in zip(SETTINGS, values, expected, strict=True):
        assert value.dtype == torch.float32, init
        assert torch.equal(value, wanted), init


def test_values_come_from_the_generator_alone() -> None:
    for init, shape in SETTINGS:
        stream = torch.get_rng_state()

        first = drawn(init, shape)
        assert torch.equal(torch.get_rng_state(), stream), init
        torch.randn(11)

        assert torch.equal(drawn(init, shape), first), init


def test_values_that_read_no_examples_are_the_same_without_any() -> None:
    for init, shape in SETTINGS:
        context = replace(context_for(shape), features=None, targets=None)
        if not init.reads_examples:
            values = init.values(shape, context, torch.Generator().manual_seed(3))

            assert torch.equal(values, drawn(init, shape)), init


def test_the_layer_that_values_join_is_left_as_it_was() -> None:
    for init, shape in SETTINGS:
        context = context_for(shape)
        tensors = [tensor for tensor in (context.old, context.features, context.targets) if tensor is not None]
        before = [tensor.clone() for tensor in tensors]

        values = init.values(shape, context, torch.Generator().manual_seed(3))
        values += 1

        assert all(torch.equal(tensor, old) for tensor, old in zip(tensors, before, strict=True)), init


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_a_parameter_of_another_type_gets_the_same_values(dtype: torch.dtype) -> None:
    for init, shape in SETTINGS:
        parameter = torch.empty(shape, dtype=dtype, requires_grad=True)

        fill(parameter, init, context_for(shape), generator=torch.Generator().manual_seed(3))

        assert torch.equal(parameter, drawn(init, shape).to(dtype)), init

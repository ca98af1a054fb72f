"""What every loss promises."""

import functools
from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from harness.core.label_map import LabelMap
from harness.core.output_specs import OutputSpecs
from harness.core.outputs import Output, Scale
from harness.core.spec import LeafSpec
from harness.losses import (
    Absolute,
    AbstractLoss,
    AbstractOutputLoss,
    AbstractPenalty,
    AbstractWeight,
    Batch,
    BinaryCrossEntropy,
    CrossEntropy,
    DarkExperience,
    Distillation,
    ElasticWeightConsolidation,
    FeatureMatching,
    Huber,
    JointCrossEntropy,
    LearningWithoutForgetting,
    LessForget,
    MarginRanking,
    MeanSquared,
    MemoryAwareSynapses,
    ModelLoss,
    OfExamples,
    ParameterNorm,
    PooledOutputsDistillation,
    Ramp,
    Reconstruction,
    SeparateCrossEntropy,
    SynapticIntelligence,
    TargetWeighted,
    Uncertainty,
)

LOSSES = [
    Absolute(output="load"),
    BinaryCrossEntropy(output="marks"),
    CrossEntropy(output="species", label_smoothing=0.1),
    DarkExperience(),
    DarkExperience(output="species"),
    Distillation(temperature=3.0),
    Distillation(output="species", columns=(0, 1, None, 1)),
    ElasticWeightConsolidation(),
    ElasticWeightConsolidation(fisher="empirical", examples=3, decay=0.9),
    ElasticWeightConsolidation(fisher="predicted", examples=3),
    FeatureMatching(tap="hidden"),
    Huber(output="load", delta=0.3),
    JointCrossEntropy(),
    JointCrossEntropy(label_smoothing=0.1, class_weights={0: 2.0, 4: 0.5}),
    LearningWithoutForgetting(),
    LearningWithoutForgetting(joint=False, temperature=1.0),
    LessForget(tap="hidden"),
    MarginRanking(tap="cosines", output="late"),
    MeanSquared(output="load"),
    MemoryAwareSynapses(examples=3),
    MemoryAwareSynapses(examples=3, together=2),
    ModelLoss(output="size_reg"),
    OfExamples(which="new", loss=JointCrossEntropy()),
    OfExamples(which="memory", loss=JointCrossEntropy(label_smoothing=0.1)),
    OfExamples(which="memory", loss=MeanSquared(output="load")),
    ParameterNorm(paths=("hidden",)),
    PooledOutputsDistillation(layers=("maps", "later")),
    Reconstruction(output="copy"),
    Reconstruction(output="copy", error="absolute"),
    Reconstruction(output="copy", error="binary"),
    SeparateCrossEntropy(label_smoothing=0.1),
    SynapticIntelligence(damping=0.01),
    TargetWeighted(output="load", threshold=20.0, slope=0.5),
    TargetWeighted(output="load", threshold=20.0, slope=0.5, error="absolute"),
]
WEIGHTS = [Ramp(steps=10, low=0.5, high=2.0, start=3), Uncertainty(), Uncertainty(likelihood="gaussian")]
HEADS = LabelMap.of({"known": (0, 1, (2, 5)), "late": (4, 3)}, arrived={4: 1})
OUTPUTS = {
    "species": Output(kind="classes", columns=4),
    "marks": Output(kind="binary", columns=3),
    "load": Output(columns=2),
    "copy": Output(kind="inputs", columns=6),
}


def batch_of(dtype: torch.dtype = torch.float32, *, size: int = 8, seed: int = 0) -> Batch:
    """Return a batch of a network that has everything; the last three examples come from a memory."""
    stream = torch.Generator().manual_seed(seed)

    def values(*shape: int) -> Tensor:
        return torch.randn(shape, generator=stream, dtype=torch.float64).to(dtype)

    columns = {"known": 3, "late": 2, "species": 4, "marks": 3, "load": 2, "copy": 6}
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    teacher = {"known": values(size, 3), "species": values(size, 2), "load": values(size, 1)}
    targets = {
        "species": torch.arange(size) % 4,
        "marks": torch.rand(size, 3, generator=stream).to(wide),
        "load": values(size, 3).to(wide),
    }
    state = {"importance": {"0/weight": values(4, 3).abs().to(wide)}, "anchor": {"0/weight": values(4, 3).to(wide)}}
    remembered = (torch.arange(size) >= size - 3)[:, None]
    stored = {
        "known": torch.arange(3.0).expand(size, 3).where(remembered, torch.nan),
        "late": torch.tensor([0.5, torch.nan]).expand(size, 2).where(remembered, torch.nan),
        "species": torch.ones(size, 4).where(remembered, torch.nan),
    }
    return Batch(
        outputs={name: values(size, count) for name, count in columns.items()} | {"size_reg": values()},
        inputs=torch.rand(size, 2, 3, generator=stream).to(wide),
        labels=torch.arange(size) % 6,
        specs=OutputSpecs(HEADS, OUTPUTS, {"load": Scale(22.0, 10.0, "kW")}, {"hidden.weight": values(5, 3)}),
        targets=targets,
        features={"hidden": values(size, 5), "maps": values(size, 2, 3, 3), "later": values(size, 3, 2, 2)}
        | {"cosines": values(size, 2)},
        teacher=teacher,
        teacher_features={"hidden": values(size, 5), "maps": values(size, 2, 3, 3)},
        states={"it": state},
        parameters={"0/weight": values(4, 3)},
        stored=stored,
        new=size - 3,
    )


def rebuilt(batch: Batch, leaves: tuple[Tensor, ...]) -> Batch:
    """Return `batch` with other outputs, features and parameters, in the order of `leaves_of`."""
    rest = iter(leaves)
    outputs = {name: next(rest) for name in batch.outputs}
    features = {name: next(rest) for name in batch.features}
    specs = replace(batch.specs, parameters={name: next(rest) for name in batch.specs.parameters})
    parameters = {name: next(rest) for name in batch.parameters}
    return replace(batch, outputs=outputs, features=features, specs=specs, parameters=parameters)


def leaves_of(batch: Batch) -> tuple[Tensor, ...]:
    tensors: list[Mapping[str, Tensor]] = [batch.outputs, batch.features, batch.specs.parameters, batch.parameters]
    return tuple(tensor.clone().requires_grad_() for group in tensors for tensor in group.values())


def value_of(loss: AbstractLoss, batch: Batch, *leaves: Tensor) -> Tensor:
    """Return the sum of the components."""
    return torch.stack(list(loss.components("it", rebuilt(batch, leaves)).values())).sum()


def own_leaves(*families: type[LeafSpec]) -> set[type[LeafSpec]]:
    found = {leaf for family in families for leaf in family.__subclasses__()} - set(families)
    return {leaf for leaf in found if leaf.__module__.startswith("harness.")}


def test_every_loss_and_every_weight_is_tested_here() -> None:
    assert {type(loss) for loss in LOSSES} == own_leaves(AbstractLoss, AbstractOutputLoss, AbstractPenalty)
    assert {type(weight) for weight in WEIGHTS} == own_leaves(AbstractWeight)


def test_each_survives_json_and_so_does_its_weight() -> None:
    weighted = [loss.model_copy(update={"weight": weight}) for loss in LOSSES for weight in WEIGHTS]

    assert [loss for loss in (*LOSSES, *weighted) if AbstractLoss.model_validate(loss.to_json()) != loss] == []


def test_components_are_finite_scalars() -> None:
    components = {repr(loss): loss.components("it", batch_of()) for loss in LOSSES}

    assert [name for name, values in components.items() if not values] == []
    values = [(name, value) for name, each in components.items() for value in each.values()]
    assert [name for name, value in values if value.shape or value.dtype != torch.float32] == []
    assert [name for name, value in values if not value.isfinite()] == []


@pytest.mark.filterwarnings("ignore:Input #.*requires gradient and is not a double precision")
def test_gradients_are_those_of_finite_differences() -> None:
    batch = batch_of(torch.float64)
    leaves = leaves_of(batch)

    wrong = [
        loss
        for loss in LOSSES
        if not torch.autograd.gradcheck(functools.partial(value_of, loss, batch), leaves, raise_exception=False)
    ]

    assert wrong == []


def examples_of(batch: Batch, rows: Tensor) -> Batch:
    """Return the examples of `batch` at `rows`, those of a memory last."""
    assert batch.new is not None
    rows = torch.cat([rows[rows < batch.new], rows[rows >= batch.new]])

    def chosen(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: value[rows] if value.dim() else value for name, value in tensors.items()}

    return replace(
        batch,
        outputs=chosen(batch.outputs),
        inputs=batch.inputs[rows],
        labels=batch.labels[rows],
        targets=chosen(batch.targets),
        features=chosen(batch.features),
        teacher=chosen(batch.teacher or {}),
        teacher_features=chosen(batch.teacher_features),
        stored=chosen(batch.stored),
        new=int((rows < batch.new).sum()),
    )


def test_the_mean_of_parts_by_what_they_count_is_that_of_the_whole() -> None:
    batch = batch_of(torch.float64, size=11)
    rows = (torch.tensor([0, 1, 5, 2, 8]), torch.tensor([3, 4, 6, 7, 9, 10]))  # the first has one late class less
    parts = [examples_of(batch, own) for own in rows]

    for loss in LOSSES:
        whole, counts = loss.components("it", batch), loss.counts("it", batch)
        for name, value in whole.items():
            shares = [
                loss.counts("it", part)[name] / counts[name] if name in counts else len(own) / 11
                for part, own in zip(parts, rows, strict=True)
            ]
            each = [loss.components("it", part)[name] for part in parts]
            mean = sum(share * one for share, one in zip(shares, each, strict=True))
            torch.testing.assert_close(mean, value, msg=f"{loss!r}", check_dtype=False)


def test_the_order_of_examples_does_not_matter() -> None:
    batch = batch_of(torch.float64)
    order = torch.randperm(len(batch.labels), generator=torch.Generator().manual_seed(1))

    other = examples_of(batch, order)

    in_this_order, in_that_order = ({repr(loss): loss.components("it", b) for loss in LOSSES} for b in (batch, other))
    torch.testing.assert_close(in_that_order, in_this_order)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_each_is_computed_in_32_bits(dtype: torch.dtype) -> None:
    batch = batch_of(dtype)
    leaves = leaves_of(batch_of(torch.float64))
    short = tuple(leaf.detach().to(dtype).requires_grad_() for leaf in leaves)
    wide = tuple(leaf.detach().float().requires_grad_() for leaf in short)

    for loss in LOSSES:
        found, expected = value_of(loss, batch, *short), value_of(loss, batch, *wide)
        gradients = torch.autograd.grad(found, short, materialize_grads=True, allow_unused=True)
        in_full = torch.autograd.grad(expected, wide, materialize_grads=True, allow_unused=True)

        assert torch.equal(found, expected), loss
        assert found.dtype == torch.float32, loss
        for one, other in zip(gradients, in_full, strict=True):
            assert torch.allclose(one.float(), other, rtol=1e-2, atol=1e-5), loss


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_large_outputs_make_a_finite_loss(dtype: torch.dtype) -> None:
    batch = batch_of(dtype)
    large = tuple((leaf.sign() * 6e4).to(dtype) for leaf in leaves_of(batch))

    assert [loss for loss in LOSSES if not value_of(loss, batch, *large).isfinite()] == []


def test_without_the_output_of_a_loss_there_is_no_component() -> None:
    nothing = OutputSpecs(LabelMap.of({}), OUTPUTS, parameters={"other.weight": torch.ones(1)})
    batch = replace(batch_of(), outputs={}, features={}, teacher=None, teacher_features={}, specs=nothing, states={})

    absent = [
        loss.model_copy(update={"paths": ("heads.late",)}) if isinstance(loss, ParameterNorm) else loss
        for loss in LOSSES
    ]

    assert [loss for loss in absent if loss.components("it", batch) != {}] == []


def test_each_changes_nothing_and_draws_nothing() -> None:
    batch, stream = batch_of(), torch.get_rng_state()
    before = [tensor.clone() for tensor in (*batch.outputs.values(), batch.inputs, batch.labels)]

    for loss in LOSSES:
        loss.components("it", batch)

        after = (*batch.outputs.values(), batch.inputs, batch.labels)
        assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True)), loss
        assert torch.equal(torch.get_rng_state(), stream), loss


def test_none_waits_for_a_device() -> None:
    """On the meta device there are no values, so reading one fails, where on a GPU it would wait."""
    batch = batch_of()

    def away(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: value.to("meta") for name, value in tensors.items()}

    label_map = LabelMap.of({"known": (0, 1, (2, 5)), "late": (4, 3)}, arrived={4: 1}, device=torch.device("meta"))
    elsewhere = replace(
        batch,
        outputs=away(batch.outputs),
        inputs=batch.inputs.to("meta"),
        labels=batch.labels.to("meta"),
        targets=away(batch.targets),
        features=away(batch.features),
        teacher=away(batch.teacher or {}),
        teacher_features=away(batch.teacher_features),
        stored=away(batch.stored),
        specs=replace(batch.specs, label_map=label_map, parameters=away(batch.specs.parameters)),
        states={"it": {what: away(tensors) for what, tensors in batch.states["it"].items()}},
        parameters=away(batch.parameters),
    )
    for loss in LOSSES:
        loss.components("it", batch)  # what is made once and kept may wait
        quick = loss.model_copy(update={"class_weights": {}}) if isinstance(loss, JointCrossEntropy) else loss

        components = quick.components("it", elsewhere)

        assert all(value.device.type == "meta" for value in components.values()), loss


def test_a_weight_is_finite_at_every_step_and_never_negative() -> None:
    factors = [(weight, weight.at(step)) for weight in WEIGHTS for step in (0, 1, 5, 10**9)]

    assert [weight for weight, factor in factors if not 0 <= factor < float("inf")] == []


def test_a_weight_that_begins_later_is_the_same_weight_later() -> None:
    for weight in WEIGHTS:
        later = weight.since(100)

        assert all(later.at(step + 100) == weight.at(step) for step in range(20)), weight

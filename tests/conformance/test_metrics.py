"""Promises that every metric keeps, of whatever kind it is."""

import math
from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from harness.core.label_map import LabelMap
from harness.core.output_specs import OutputSpecs
from harness.core.outputs import Output, Scale
from harness.core.spec import LeafSpec
from harness.losses import Batch
from harness.metrics import (
    AUROC,
    AbstractMetric,
    AbstractSummedMetric,
    Accuracy,
    BalancedAccuracy,
    BrierScore,
    CalibrationError,
    Direction,
    FromTorchmetrics,
    LogLoss,
    MacroF1,
    MeanAbsoluteError,
    Perplexity,
    PredictedKind,
    Predictions,
    RootMeanSquaredError,
    RSquared,
    TopKAccuracy,
)
from harness.training.named_metrics import metric_parts, metric_values

# What perfect and what worst predictions come to; infinity where there is no end.
BEST_AND_WORST: list[tuple[AbstractMetric, float, float]] = [
    (AUROC(), 1, 0),
    (Accuracy(), 1, 0),
    (BalancedAccuracy(), 1, 0),
    (BrierScore(), 0, 2),
    (CalibrationError(), 0, 1),
    (FromTorchmetrics(name="MulticlassF1Score"), 1, 0),
    (LogLoss(), 0, math.inf),
    (MacroF1(), 1, 0),
    (MeanAbsoluteError(), 0, math.inf),
    (Perplexity(), 1, math.inf),
    (RSquared(), 1, -math.inf),
    (RootMeanSquaredError(), 0, math.inf),
    (TopKAccuracy(k=2), 1, 0),
]
METRICS = [metric for metric, _, _ in BEST_AND_WORST]
CLASS_METRICS = {
    f"own {metric.kind}": metric for metric in METRICS if "classes" in metric.reads and metric.kind != "torchmetrics"
}
CASES = [
    pytest.param(metric, kind, id=f"{metric.kind} of {kind}")
    for metric in METRICS
    for kind in metric.reads
    if (metric.kind, kind) not in (("torchmetrics", "binary"), ("torchmetrics", "values"))
]
COLUMNS = 3


def predictions_of(kind: PredictedKind, size: int = 40, *, seed: int = 0) -> Predictions:
    """Return predictions that are a little better than a guess, with ties."""
    stream = torch.Generator().manual_seed(seed)
    outputs = torch.randn(size, COLUMNS, generator=stream).mul(4).round().div(4)
    if kind == "classes":
        truth = torch.randint(0, COLUMNS, (size,), generator=stream)
        return Predictions(kind, outputs + torch.nn.functional.one_hot(truth, COLUMNS), truth)
    if kind == "binary":
        yes = torch.rand(size, COLUMNS, generator=stream) > 0.4
        return Predictions(kind, outputs + yes, yes)
    noise = torch.randn(size, COLUMNS, generator=stream, dtype=torch.float64)
    return Predictions(kind, 1e6 + outputs.double(), 1e6 + outputs.double() + noise)


def right_and_wrong(kind: PredictedKind) -> tuple[Predictions, Predictions]:
    """Return predictions that are right and sure, and others that are as wrong and sure."""
    truth = predictions_of(kind).truth
    if kind == "values":
        return Predictions(kind, truth, truth), Predictions(kind, truth + 1e9, truth)
    if kind == "binary":
        sure = torch.where(truth, 50.0, -50.0)
        return Predictions(kind, sure, truth), Predictions(kind, -sure, truth)
    sure, next_one = (50.0 * torch.nn.functional.one_hot(one % COLUMNS, COLUMNS) for one in (truth, truth + 1))
    return Predictions(kind, sure, truth), Predictions(kind, next_one - sure, truth)


def picked(predictions: Predictions, rows: Any) -> Predictions:
    return Predictions(predictions.kind, predictions.outputs[rows], predictions.truth[rows])


def whole(metric: AbstractMetric, *parts: Predictions) -> Tensor:
    return metric.whole([metric.part(part) for part in parts])


def own_leaves(family: type[LeafSpec]) -> set[type[LeafSpec]]:
    found = {leaf for child in family.__subclasses__() for leaf in (child, *own_leaves(child))}
    return {leaf for leaf in found if leaf.__module__.startswith("harness.") and leaf is not AbstractSummedMetric}


def test_every_metric_is_tested_here() -> None:
    assert {type(metric) for metric in METRICS} == own_leaves(AbstractMetric)


def test_each_survives_json_with_what_reports_read() -> None:
    assert [metric for metric in METRICS if AbstractMetric.model_validate(metric.to_json()) != metric] == []
    assert {metric.to_json()["direction"] for metric in METRICS} == set(get_args(Direction))
    assert [metric for metric in METRICS if not metric.title and metric.kind != "torchmetrics"] == []


@pytest.mark.parametrize(("metric", "kind"), CASES)
def test_value_is_a_number_or_one_per_class(metric: AbstractMetric, kind: PredictedKind) -> None:
    value = metric.value(predictions_of(kind))

    assert tuple(value.shape) == ((COLUMNS,) if metric.by_class else ())
    assert (value.dtype, bool(value.isfinite().all())) == (torch.float64, True)


@pytest.mark.parametrize(("metric", "kind"), CASES)
def test_the_order_of_examples_does_not_matter(metric: AbstractMetric, kind: PredictedKind) -> None:
    some = predictions_of(kind)
    order = torch.randperm(len(some), generator=torch.Generator().manual_seed(1))

    torch.testing.assert_close(whole(metric, picked(some, order)), whole(metric, some), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("metric", "kind"), CASES)
def test_parts_add_up_to_the_whole(metric: AbstractMetric, kind: PredictedKind) -> None:
    some = predictions_of(kind)
    parts = [picked(some, slice(start, stop)) for start, stop in ((0, 1), (1, 20), (20, 40))]

    found = whole(metric, *parts)

    torch.testing.assert_close(found, metric.value(some), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(whole(metric, some), metric.value(some), rtol=0, atol=0)


@pytest.mark.parametrize(("metric", "best", "worst"), BEST_AND_WORST, ids=[metric.kind for metric in METRICS])
def test_better_predictions_have_a_better_value_in_its_range(metric: AbstractMetric, best: float, worst: float) -> None:
    for kind in metric.reads[:1] if metric.kind == "torchmetrics" else metric.reads:
        right, wrong = (whole(metric, one).mean().item() for one in right_and_wrong(kind))
        some = whole(metric, predictions_of(kind)).mean().item()
        lowest = worst / 2 if (metric.kind, kind) == ("brier_score", "binary") else worst

        assert right == pytest.approx(best, abs=1e-9)
        assert wrong == pytest.approx(lowest, abs=1e-6) or (math.isinf(worst) and abs(wrong) > 20)
        sign = 1 if metric.direction == "maximize" else -1
        assert sign * right > sign * some > sign * wrong


@pytest.mark.parametrize(("metric", "kind"), CASES)
def test_it_changes_nothing_and_draws_nothing(metric: AbstractMetric, kind: PredictedKind) -> None:
    some, stream = predictions_of(kind), torch.get_rng_state()
    before = some.outputs.clone(), some.truth.clone()

    whole(metric, some)

    assert torch.equal(some.outputs, before[0])
    assert torch.equal(some.truth, before[1])
    assert torch.equal(torch.get_rng_state(), stream)


HEADS = LabelMap.of({"known": (0, 1, (2, 5)), "late": (4, 3)})
OUTPUTS = {"species": Output(kind="classes", columns=3), "marks": Output(kind="binary", columns=3), "load": Output()}


def batch_of(labels: Tensor) -> Batch:
    size = len(labels)
    stream = torch.Generator().manual_seed(0)
    columns = {"known": 3, "late": 2, "species": 3, "marks": 3, "load": 1}
    return Batch(
        {name: torch.randn(size, count, generator=stream) for name, count in columns.items()},
        torch.zeros(size, 1),
        labels,
        OutputSpecs(HEADS, OUTPUTS, {"load": Scale(22.0, 10.0, "kW")}),
        {
            "species": torch.arange(size) % 3,
            "marks": (torch.rand(size, 3, generator=stream) > 0.5).float(),
            "load": torch.randn(size, 1, generator=stream),
        },
    )


@pytest.mark.parametrize("metric", METRICS, ids=[metric.kind for metric in METRICS])
def test_of_no_example_there_is_no_value(metric: AbstractMetric) -> None:
    if metric.kind == "torchmetrics":
        metric = metric.model_copy(update={"output": "all"})
    batch, nothing = batch_of(torch.arange(12) % 6), batch_of(torch.arange(0))
    parts = metric_parts({"it": metric}, nothing, nothing)

    found = metric_values({"it": metric}, [parts, metric_parts({"it": metric}, batch, batch)], HEADS)

    assert parts == {}
    assert metric_values({"it": metric}, [parts], HEADS) == {}
    expected = metric_values({"it": metric}, [metric_parts({"it": metric}, batch, batch)], HEADS)
    assert found.keys() == expected.keys() != set()
    assert {name: value.item() for name, value in found.items()} == {n: v.item() for n, v in expected.items()}


@pytest.mark.parametrize("metric", METRICS, ids=[metric.kind for metric in METRICS])
def test_classes_that_no_head_has_yet_are_left_out_or_count_as_it_says(metric: AbstractMetric) -> None:
    labels = torch.arange(14) % 7  # class 6 has no column
    batch = batch_of(labels)
    seen = torch.nonzero(labels != 6).squeeze(1)
    answerable = Batch(
        {name: values[seen] for name, values in batch.outputs.items()},
        batch.inputs[seen],
        labels[seen],
        batch.specs,
        {name: values[seen] for name, values in batch.targets.items()},
    )
    metric = metric.model_copy(update={"output": "all"}) if "classes" in metric.reads else metric
    every = metric_values({"it": metric}, [metric_parts({"it": metric}, batch, answerable)], HEADS, missing=1)

    alone = metric_values({"it": metric}, [metric_parts({"it": metric}, answerable, answerable)], HEADS)

    name = next(iter(every))
    if metric.unseen is None:
        assert every[name].item() == alone[name].item()
    else:
        assert abs(every[name].item() - metric.unseen) < abs(alone[name].item() - metric.unseen)

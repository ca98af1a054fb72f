"""The metrics that a run names itself, of every output that they can be computed from."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from harness.core.answers import JOINT
from harness.core.errors import ContractError
from harness.core.label_map import LabelMap
from harness.data import AbstractTask
from harness.losses import Batch
from harness.metrics import OF_CLASS, AbstractMetric, Direction, Predictions
from harness.training.predictions import joint_predictions, predicted_kind, predictions_of_output

__all__ = ["MetricParts", "is_of_metrics", "measured_outputs", "metric_parts", "metric_values", "named_directions"]

MetricParts = Mapping[tuple[str, str], Any]  # what is kept of a part of a split, by metric and output


def measured_outputs(task: AbstractTask, metric: AbstractMetric) -> list[str]:
    """Return the outputs of `task` that `metric` measures; `JOINT` are the joined heads."""
    kinds = ({JOINT: "classes"} if task.classes else {}) | {
        name: predicted_kind(output) for name, output in task.outputs.items()
    }
    return [name for name, kind in kinds.items() if kind in metric.reads and metric.output in (None, name)]


def named_directions(task: AbstractTask, metrics: Mapping[str, AbstractMetric]) -> dict[str, Direction]:
    """Return the names under which runs of `task` have `metrics`, and which direction is better."""
    found: dict[str, Direction] = {}
    for name, metric in metrics.items():
        outputs = measured_outputs(task, metric)
        heads = task.classes if metric.by_class and JOINT in outputs else ()
        found |= dict.fromkeys((f"{name}/{part}" for part in (*outputs, *heads)), metric.direction)
    return found


def is_of_metrics(name: str, metrics: Mapping[str, AbstractMetric]) -> bool:
    """Return whether a result is one of `metrics`."""
    return name.partition("/")[0].removesuffix(OF_CLASS) in metrics


def metric_parts(metrics: Mapping[str, AbstractMetric], batch: Batch, answerable: Batch) -> MetricParts:
    """Return what `metrics` keep of a part of a split, by metric and output; nothing of no example.

    Args:
        metrics: by name.
        batch: the part.
        answerable: its examples whose class can be seen. They are all that is measured of outputs that are no heads.
    """
    parts: dict[tuple[str, str], Any] = {}
    if not metrics:
        return parts
    every = functools.cache(lambda: joint_predictions(batch))
    visible = functools.cache(lambda: joint_predictions(answerable))
    of_output = functools.cache(lambda output: predictions_of_output(answerable, output))
    for name, metric in metrics.items():
        for output in _outputs_in(batch, metric):
            if output != JOINT:
                predictions: Predictions = of_output(output)
            else:
                predictions = visible() if metric.unseen is None else every()
            if len(predictions):
                parts[name, output] = metric.part(predictions)
    return parts


def metric_values(
    metrics: Mapping[str, AbstractMetric],
    blocks: Sequence[MetricParts],
    label_map: LabelMap,
    *,
    missing: int = 0,
    by_class: bool = False,
) -> dict[str, Tensor]:
    """Return the metrics of a split.

    Args:
        metrics: by name.
        blocks: what was kept of each part.
        label_map: of the heads.
        missing: how many classes have examples in the split and no column yet.
        by_class: whether metrics that are means over classes are given by class, too.

    Returns:
        `<name>/all` of the joined heads, `<name>/<output>` of each other output; of means over classes
        `<name>/<head>`, over the classes of that head, and `<name>_of_class/<c>` or `<name>_of_class/<output>.<c>`.
        What has no value is NaN.
    """
    results: dict[str, Tensor] = {}
    measured = dict.fromkeys(key for block in blocks for key in block)
    for name, output in sorted(measured, key=lambda key: list(metrics).index(key[0])):
        metric, parts = metrics[name], [block[name, output] for block in blocks if (name, output) in block]
        value = _checked(name, metric, metric.whole(parts))
        if not metric.by_class:
            results[f"{name}/{output}"] = value
            continue
        of_joint = output == JOINT
        results[f"{name}/{output}"] = _mean(value, metric.unseen, missing if of_joint else 0)
        if of_joint:
            results |= {f"{name}/{head}": value[own].nanmean() for head, own in _columns(label_map).items()}
        if by_class:
            classes = _classes(label_map) if of_joint else range(len(value))
            prefix = "" if of_joint else f"{output}."
            results |= {f"{name}{OF_CLASS}/{prefix}{c}": value[column] for column, c in enumerate(classes)}
    return results


def _outputs_in(batch: Batch, metric: AbstractMetric) -> list[str]:
    """Return the outputs in `batch` that `metric` measures."""
    kinds = {JOINT: "classes"} if batch.specs.label_map.heads else {}
    kinds |= {name: predicted_kind(output) for name, output in batch.specs.outputs.items() if name in batch.outputs}
    return [name for name, kind in kinds.items() if kind in metric.reads and metric.output in (None, name)]


def _checked(name: str, metric: AbstractMetric, found: Tensor | float) -> Tensor:
    """Return what a metric returned as float64. Raises `ContractError` if it has another shape than it says."""
    value = torch.as_tensor(found).detach().double()
    if value.dim() != int(metric.by_class):
        expected = "one value per class, as by_class says," if metric.by_class else "a scalar, or by_class = True,"
        raise ContractError(f"expected {expected} of the metric {name!r}, found the shape {tuple(value.shape)}")
    return value


def _mean(values: Tensor, unseen: float | None, missing: int) -> Tensor:
    """Return the mean of the values that there are, and of `missing` classes that count as `unseen`."""
    there = ~values.isnan()
    total = torch.where(there, values, 0.0).sum() + missing * (unseen or 0.0)
    return total / (there.sum() + (0 if unseen is None else missing))


def _columns(label_map: LabelMap) -> dict[str, slice]:
    """Return the columns of each head in the joined logits."""
    found, start = {}, 0
    for head, size, chosen in zip(label_map.heads, label_map.sizes, label_map.chosen, strict=True):
        stop = start + (size if chosen is None else len(chosen))
        found[head], start = slice(start, stop), stop
    return found


@functools.lru_cache(maxsize=16)  # to read them at each evaluation would make a GPU wait
def _classes(label_map: LabelMap) -> tuple[int, ...]:
    """Return the first class of each column of the joined logits."""
    every = torch.arange(len(label_map.column), device=label_map.column.device)
    return tuple(label_map.first_by_column(every).tolist())

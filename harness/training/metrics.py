"""The metrics that every run has: how good outputs are, in units that people read."""

import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from harness.core.label_map import LabelMap
from harness.core.output_specs import OutputSpecs
from harness.core.positions import by_position
from harness.data import AbstractTask
from harness.losses import Batch
from harness.metrics import AbstractMetric, Direction
from harness.training.named_metrics import named_directions

__all__ = [
    "Direction",
    "Mean",
    "accuracies",
    "accuracies_by_arrival",
    "accuracies_within",
    "answers_by_class",
    "directions",
    "means_of",
    "output_metrics",
    "values_of",
]

AVERAGED = ("accuracy_within", "accuracy_by_arrival")  # families that have a mean of their own


def directions(task: AbstractTask, metrics: Mapping[str, AbstractMetric]) -> dict[str, Direction]:
    """Return the metrics by which runs of `task` can be compared, and which direction is better.

    Metrics that exist only after some growth are left out. `metrics` are those that a run names itself.
    """
    better: list[str] = []
    if task.classes:
        better += [f"accuracy/{name}" for name in ("all", *task.classes)]
        better += ["accuracy_within/mean", "accuracy_by_arrival/mean"]
    better_by_name: dict[str, Direction] = dict.fromkeys(better, "maximize")
    for name, output in task.outputs.items():
        if output.kind in ("classes", "binary"):
            better_by_name[f"accuracy/{name}"] = "maximize"
        else:
            better_by_name |= {f"mae/{name}": "minimize", f"rmse/{name}": "minimize"}
    return better_by_name | {"loss/total": "minimize"} | named_directions(task, metrics)


@dataclass(frozen=True)
class Mean:
    """A mean as its total and its count, so that means over the parts of a split can be added up.

    Attributes:
        root: whether the metric is the root of the mean.
    """

    total: Tensor
    count: Tensor | int
    root: bool = False

    @property
    def value(self) -> Tensor:
        """The metric; NaN of no example."""
        mean = self.total / self.count
        return mean.sqrt() if self.root else mean

    def __add__(self, other: "Mean") -> "Mean":
        return replace(self, total=self.total + other.total, count=self.count + other.count)


def means_of(batch: Batch, answerable: Batch, *, visible: Sequence[int] | None = None) -> dict[str, Mean]:
    """Return all metrics of a part of a split.

    Args:
        batch: the part.
        answerable: its examples whose class is visible.
        visible: the visible classes of which the split has examples, to measure each of them; None for none.
    """
    means: dict[str, Mean] = {}
    if (label_map := batch.specs.label_map).heads:
        for measure in (_accuracies, _accuracies_within, _accuracies_by_arrival):
            means |= measure(batch.outputs, batch.labels, label_map)
        if visible is not None:
            means |= _answers_by_class(batch.outputs, batch.labels, label_map, visible)
    return means | _output_metrics(answerable)


def values_of(parts: Iterable[Mapping[str, Mean]]) -> dict[str, Tensor]:
    """Return the metrics of a split, given those of its parts; and the mean of some families.

    The mean is over what has examples, or stands alone for a single one.
    """
    every = list(parts)
    totals = {name: functools.reduce(Mean.__add__, (part[name] for part in every)) for name in every[0]}
    results: dict[str, Tensor] = {}
    for family, names in itertools.groupby(totals, key=lambda name: name.partition("/")[0]):
        own = {name: totals[name].value for name in names}
        results |= _with_mean(family, own) if family in AVERAGED else own
    return results


def accuracies(outputs: Mapping[str, Tensor], labels: Tensor, label_map: LabelMap) -> dict[str, Tensor]:
    """Return `accuracy/all` and `accuracy/<head>`, each a fraction; a class that is not visible yet counts as wrong.

    The accuracy of a head without examples is NaN here and below, and means are over the others.
    """
    return values_of([_accuracies(outputs, labels, label_map)])


def accuracies_within(outputs: Mapping[str, Tensor], labels: Tensor, label_map: LabelMap) -> dict[str, Tensor]:
    """Return `accuracy_within/<head>`, where the right head is known, and `accuracy_within/mean` over heads."""
    return values_of([_accuracies_within(outputs, labels, label_map)])


def accuracies_by_arrival(outputs: Mapping[str, Tensor], labels: Tensor, label_map: LabelMap) -> dict[str, Tensor]:
    """Return `accuracy_by_arrival/<n>`, on the classes that the n-th growth added, and the mean of these.

    The first classes arrived with growth 0. The mean is over all arrivals so far; each counts the same, however many
    examples it has.
    """
    return values_of([_accuracies_by_arrival(outputs, labels, label_map)])


def answers_by_class(outputs: Mapping[str, Tensor], labels: Tensor, label_map: LabelMap) -> dict[str, Tensor]:
    """Return `accuracy_of_class/<c>`, and `answered_by/<n>.<c>` if classes arrived at several growths.

    The latter is the share of the examples of class c for which any class of the n-th growth, right or wrong, is
    predicted. It shows which examples new classes take from old ones. Classes that are not visible yet or have no
    example are left out.
    """
    visible = tuple(labels[label_map.known(labels)].unique().tolist())
    return values_of([_answers_by_class(outputs, labels, label_map, visible)])


def output_metrics(batch: Batch) -> dict[str, Tensor]:
    """Return the metrics of the existing outputs other than heads, by kind.

    `accuracy/<output>` of classes and binary columns; `mae/<output>` and `rmse/<output>`, over all columns and in the
    target's own unit, of values and reconstructed inputs.
    """
    return {name: mean.value for name, mean in _output_metrics(batch).items()}


def _accuracies(outputs: Mapping[str, Tensor], labels: Tensor, label_map: LabelMap) -> dict[str, Mean]:
    right, known, safe = _right(outputs, labels, label_map)
    results = {"accuracy/all": _mean(right.double())}
    for index, head in enumerate(label_map.heads):
        results[f"accuracy/{head}"] = _share(right, known & (label_map.head[safe] == index))
    return results


def _accuracies_within(outputs: Mapping[str, Tensor], labels: Tensor, label_map: LabelMap) -> dict[str, Mean]:
    known, safe = _known(labels, label_map)
    results = {}
    for index, head in enumerate(label_map.heads):
        right = label_map.logits(outputs, index).argmax(dim=1) == label_map.within[safe]
        results[f"accuracy_within/{head}"] = _share(right, known & (label_map.head[safe] == index))
    return results


def _accuracies_by_arrival(outputs: Mapping[str, Tensor], labels: Tensor, label_map: LabelMap) -> dict[str, Mean]:
    right, known, safe = _right(outputs, labels, label_map)
    return {
        f"accuracy_by_arrival/{number}": _share(right, known & (label_map.arrival[safe] == number))
        for number in label_map.arrivals
    }


def _answers_by_class(
    outputs: Mapping[str, Tensor], labels: Tensor, label_map: LabelMap, visible: Sequence[int]
) -> dict[str, Mean]:
    right, _, _ = _right(outputs, labels, label_map)
    arrivals = label_map.first_by_column(label_map.arrival)  # after which a class of each column is visible
    taken = arrivals[label_map.joined(outputs).argmax(dim=1)]
    results = {}
    for label in visible:
        chosen = labels == label
        results[f"accuracy_of_class/{label}"] = _share(right, chosen)
        for number in label_map.arrivals if len(label_map.arrivals) > 1 else ():
            results[f"answered_by/{number}.{label}"] = _share(taken == number, chosen)
    return results


def _output_metrics(batch: Batch) -> dict[str, Mean]:
    results = {}
    for name, described in batch.specs.outputs.items():
        if name not in batch.outputs:
            continue
        values, truth = batch.outputs[name].flatten(1), batch.target(name)
        if described.kind == "classes":
            logits, classes = by_position(batch.outputs[name], truth)
            results[f"accuracy/{name}"] = _mean((logits.argmax(dim=1) == classes).double())
        elif described.kind == "binary":
            results[f"accuracy/{name}"] = _mean(((values > 0) == (truth[:, : values.shape[1]] > 0.5)).double())
        else:
            results |= _errors(name, values, truth[:, : values.shape[1]], batch.specs)
    return results


def _errors(name: str, values: Tensor, truth: Tensor, specs: OutputSpecs) -> dict[str, Mean]:
    errors = (values.double() - truth.double()) * specs.scale(name).std
    return {f"mae/{name}": _mean(errors.abs()), f"rmse/{name}": replace(_mean(errors.square()), root=True)}


def _right(outputs: Mapping[str, Tensor], labels: Tensor, label_map: LabelMap) -> tuple[Tensor, Tensor, Tensor]:
    known, safe = _known(labels, label_map)
    predicted = label_map.joined(outputs).argmax(dim=1)
    return (predicted == label_map.column[safe]) & known, known, safe


def _known(labels: Tensor, label_map: LabelMap) -> tuple[Tensor, Tensor]:
    """Return which labels are visible, and labels that can index the map's tables."""
    known = label_map.known(labels)
    return known, torch.where(known, labels, torch.zeros_like(labels))


def _with_mean(family: str, results: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the results and their mean, or the mean alone of a single result."""
    values = torch.stack(list(results.values()))
    measured = ~values.isnan()
    mean = {f"{family}/mean": torch.where(measured, values, 0.0).sum() / measured.sum()}
    return results | mean if len(results) > 1 else mean


def _mean(values: Tensor) -> Mean:
    return Mean(values.sum(), values.numel())


def _share(right: Tensor, own: Tensor) -> Mean:
    """Return the share of `own` that is `right`."""
    return Mean((right & own).sum().double(), own.sum())

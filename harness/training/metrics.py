"""How good outputs are, in units that people read."""

import functools
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from harness.core.label_map import LabelMap
from harness.core.output_specs import OutputSpecs
from harness.core.positions import by_position
from harness.data import AbstractTask
from harness.losses import Batch

__all__ = [
    "Direction",
    "accuracies",
    "accuracies_by_arrival",
    "accuracies_within",
    "answers_by_class",
    "directions",
    "output_metrics",
]

Direction = Literal["maximize", "minimize"]


def directions(task: AbstractTask) -> dict[str, Direction]:
    """Return the metrics by which runs of `task` can be compared, and which direction is better.

    Metrics that exist only after some growth are left out.
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
    return better_by_name | {"loss/total": "minimize"}


def accuracies(outputs: Mapping[str, Tensor], labels: Tensor, label_map: LabelMap) -> dict[str, Tensor]:
    """Return `accuracy/all` and `accuracy/<head>`, each a fraction; a class that is not visible yet counts as wrong.

    The accuracy of a head without examples is NaN here and below, and means are over the others.
    """
    right, known, safe = _right(outputs, labels, label_map)
    results = {"accuracy/all": right.double().mean()}
    for index, head in enumerate(label_map.heads):
        results[f"accuracy/{head}"] = _share(right, known & (label_map.head[safe] == index))
    return results


def accuracies_within(outputs: Mapping[str, Tensor], labels: Tensor, label_map: LabelMap) -> dict[str, Tensor]:
    """Return `accuracy_within/<head>`, where the right head is known, and `accuracy_within/mean` over heads."""
    known, safe = _known(labels, label_map)
    results = {}
    for index, head in enumerate(label_map.heads):
        right = label_map.logits(outputs, index).argmax(dim=1) == label_map.within[safe]
        results[f"accuracy_within/{head}"] = _share(right, known & (label_map.head[safe] == index))
    return _with_mean("accuracy_within", results)


def accuracies_by_arrival(outputs: Mapping[str, Tensor], labels: Tensor, label_map: LabelMap) -> dict[str, Tensor]:
    """Return `accuracy_by_arrival/<n>`, on the classes that the n-th growth added, and the mean of these.

    The first classes arrived with growth 0. The mean is over all arrivals so far; each counts the same, however many
    examples it has.
    """
    right, known, safe = _right(outputs, labels, label_map)
    results = {
        f"accuracy_by_arrival/{number}": _share(right, known & (label_map.arrival[safe] == number))
        for number in label_map.arrivals
    }
    return _with_mean("accuracy_by_arrival", results)


def answers_by_class(outputs: Mapping[str, Tensor], labels: Tensor, label_map: LabelMap) -> dict[str, Tensor]:
    """Return `accuracy_of_class/<c>`, and `answered_by/<n>.<c>` if classes arrived at several growths.

    The latter is the share of the examples of class c for which any class of the n-th growth, right or wrong, is
    predicted. It shows which examples new classes take from old ones. Classes that are not visible yet or have no
    example are left out.
    """
    right, _, _ = _right(outputs, labels, label_map)
    arrivals = label_map.first_by_column(label_map.arrival)  # after which a class of each column is visible
    taken = arrivals[label_map.joined(outputs).argmax(dim=1)]
    results = {}
    for label in _visible_classes(label_map, labels):
        chosen = labels == label
        results[f"accuracy_of_class/{label}"] = _share(right, chosen)
        for number in label_map.arrivals if len(label_map.arrivals) > 1 else ():
            results[f"answered_by/{number}.{label}"] = _share(taken == number, chosen)
    return results


@functools.lru_cache(maxsize=16)  # to look for them at each evaluation would make a GPU wait
def _visible_classes(label_map: LabelMap, labels: Tensor) -> tuple[int, ...]:
    """Return the visible classes that `labels` has examples of, in order."""
    return tuple(labels[label_map.known(labels)].unique().tolist())


def output_metrics(batch: Batch) -> dict[str, Tensor]:
    """Return the metrics of the existing outputs other than heads, by kind.

    `accuracy/<output>` of classes and binary columns; `mae/<output>` and `rmse/<output>`, over all columns and in the
    target's own unit, of values and reconstructed inputs.
    """
    results = {}
    for name, described in batch.specs.outputs.items():
        if name not in batch.outputs:
            continue
        values, truth = batch.outputs[name].flatten(1), batch.target(name)
        if described.kind == "classes":
            logits, classes = by_position(batch.outputs[name], truth)
            results[f"accuracy/{name}"] = (logits.argmax(dim=1) == classes).double().mean()
        elif described.kind == "binary":
            results[f"accuracy/{name}"] = ((values > 0) == (truth[:, : values.shape[1]] > 0.5)).double().mean()
        else:
            results |= _errors(name, values, truth[:, : values.shape[1]], batch.specs)
    return results


def _errors(name: str, values: Tensor, truth: Tensor, specs: OutputSpecs) -> dict[str, Tensor]:
    errors = (values.double() - truth.double()) * specs.scale(name).std
    return {f"mae/{name}": errors.abs().mean(), f"rmse/{name}": errors.square().mean().sqrt()}


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


def _share(right: Tensor, own: Tensor) -> Tensor:
    """Return the share of `own` that is `right`; NaN of none."""
    return (right & own).sum().double() / own.sum()

"""Evaluation, which changes nothing in a network, neither its modes nor random streams."""

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import isnan

import torch
from torch import Tensor

from harness.core.inputs import map_inputs
from harness.core.label_map import LabelMap
from harness.core.output_specs import OutputSpecs
from harness.data import Split
from harness.losses import Batch
from harness.models.eval_mode import eval_mode
from harness.training.combined_loss import CombinedLoss
from harness.training.config import TrainingConfig
from harness.training.forward import Forward, Needs, forward_batch, needs_of
from harness.training.metrics import (
    accuracies,
    accuracies_by_arrival,
    accuracies_within,
    answers_by_class,
    output_metrics,
)
from harness.training.state import TrainState
from harness.training.step import batch_loss

__all__ = ["CHUNK", "as_floats", "evaluate", "evaluated", "forward_split", "loss_results", "measures", "metrics_of"]

CHUNK = 250  # activations that stay in a processor's cache: twice as fast as thousands at once


def evaluated(state: TrainState, config: TrainingConfig) -> TrainState:
    """Return the state whose network is evaluated: that of the average of its weights, if there is one."""
    return state.averaged if config.evaluate_average else state


def evaluate(
    state: TrainState, split: Split, config: TrainingConfig, specs: OutputSpecs, *, forward: Forward | None = None
) -> dict[str, float]:
    """Return the losses and metrics of the network on `split`; see `metrics_of`."""
    return metrics_of(state, forward_split(state, split, specs, needs_of(config.losses.values()), forward), config)


def metrics_of(state: TrainState, batch: Batch, config: TrainingConfig) -> dict[str, float]:
    """Return the losses and metrics of the outputs in `batch`, those of the network for a whole split.

    `loss/<component>`, `loss_weighted/<component>`, `loss/total` and the metrics of outputs other than heads are over
    the examples whose class is visible; scalars that the model returns are over all examples. `accuracy/all` is the
    fraction of all examples that the joined logits of all heads classify correctly, `accuracy/<head>` the same among
    the examples of that head's classes. `accuracy_within/<head>` is the accuracy of a head if the right head is known,
    and `accuracy_by_arrival/<n>` that on the classes that the n-th growth added; `mean` is over all of them, and each
    one is recorded if there are several. An accuracy on classes of which `split` has no example is left out. If classes
    are recorded, the metrics of `answers_by_class` are added.
    """
    rows = _visible_rows(batch.specs.label_map, batch.labels)
    answerable = batch if rows is None else _part(batch, rows)
    with torch.no_grad():
        loss = batch_loss(state, answerable, config)
    results = loss_results(loss) | measures(batch, answerable, config)
    # One transfer for all values: each one on its own would make a GPU wait.
    return as_floats(results, torch.stack([value.double() for value in results.values()]))


def loss_results(loss: CombinedLoss) -> dict[str, Tensor]:
    """Return a loss by the names of `metrics_of`."""
    results = {f"loss/{name}": value for name, value in loss.components.items()}
    results |= {f"loss_weighted/{name}": value for name, value in loss.weighted.items()}
    return results | {"loss/total": loss.total}


def measures(batch: Batch, answerable: Batch, config: TrainingConfig) -> dict[str, Tensor]:
    """Return the metrics of `metrics_of` other than losses; `answerable` are the examples whose class is visible."""
    results: dict[str, Tensor] = {}
    if (label_map := batch.specs.label_map).heads:
        for measure in (accuracies, accuracies_within, accuracies_by_arrival):
            results |= measure(batch.outputs, batch.labels, label_map)
        if config.record_classes:
            results |= answers_by_class(batch.outputs, batch.labels, label_map)
    return results | output_metrics(answerable)


def as_floats(names: Iterable[str], values: Tensor) -> dict[str, float]:
    """Return `values` by name, without accuracies of no example."""
    measured = dict(zip(names, values.tolist(), strict=True))
    return {name: value for name, value in measured.items() if not (name.startswith("accuracy") and isnan(value))}


def forward_split(
    state: TrainState,
    split: Split,
    specs: OutputSpecs,
    needs: Needs | None = None,
    forward: Forward | None = None,
) -> Batch:
    """Return the network's outputs for all of `split`, in eval mode and 32 bits; scalars are means over it."""
    with eval_mode(state.model), torch.no_grad():
        chunks = [forward_batch(state, chunk, specs, needs, forward) for chunk in split.chunks(CHUNK)]
    shares = [len(chunk.labels) / len(split) for chunk in chunks]
    teachers = [chunk.teacher for chunk in chunks if chunk.teacher is not None]
    return Batch(
        outputs=_joined([chunk.outputs for chunk in chunks], shares),
        inputs=split.inputs,
        labels=split.labels,
        specs=specs,
        targets=split.targets,
        features=_joined([chunk.features for chunk in chunks], shares),
        teacher=_joined(teachers, shares) if teachers else None,
        teacher_features=_joined([chunk.teacher_features for chunk in chunks], shares),
    )


def _joined(chunks: Sequence[Mapping[str, Tensor]], shares: Sequence[float]) -> dict[str, Tensor]:
    def join(values: list[Tensor]) -> Tensor:
        if values[0].dim():
            return torch.cat(values)
        return torch.stack([share * value for share, value in zip(shares, values, strict=True)]).sum()

    return {name: join([chunk[name] for chunk in chunks]) for name in chunks[0]}


@functools.lru_cache(maxsize=16)  # to count them at each evaluation would make a GPU wait
def _visible_rows(label_map: LabelMap, labels: Tensor) -> Tensor | None:
    """Return the indices of the examples whose class is visible; None for all."""
    rows = label_map.known(labels).nonzero().squeeze(1)
    return None if len(rows) == len(labels) else rows


def _part(batch: Batch, chosen: Tensor) -> Batch:
    """Return the examples at the indices `chosen`; scalars are kept."""

    def part(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: value[chosen] if value.dim() else value for name, value in tensors.items()}

    return replace(
        batch,
        outputs=part(batch.outputs),
        inputs=map_inputs(lambda tensor: tensor[chosen], batch.inputs),
        labels=batch.labels[chosen],
        targets=part(batch.targets),
        features=part(batch.features),
        teacher=None if batch.teacher is None else part(batch.teacher),
        teacher_features=part(batch.teacher_features),
    )

"""Evaluation, which changes nothing in a network, neither its modes nor random streams.

A split is gone through in chunks, and 64 of these make a block. Of a block all outputs are there at once; of several
blocks, results are added up, so that a split of any size needs no more memory.
"""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from math import isnan
from typing import Literal

import torch
from torch import Tensor

from harness.core.inputs import Inputs, inputs_at, map_inputs
from harness.core.label_map import LabelMap
from harness.core.output_specs import OutputSpecs
from harness.data import Split
from harness.losses import Batch
from harness.metrics import AbstractMetric
from harness.models.eval_mode import eval_mode
from harness.training.combined_loss import CombinedLoss, LossCombination
from harness.training.config import TrainingConfig
from harness.training.forward import Forward, Needs, forward_batch, needs_of
from harness.training.metrics import Mean, means_of, values_of
from harness.training.named_metrics import MetricParts, is_of_metrics, metric_parts, metric_values
from harness.training.nearest_mean import NearestMean
from harness.training.state import TrainState
from harness.training.step import batch_loss

__all__ = ["BLOCK", "CHUNK", "as_floats", "evaluate", "evaluated", "forward_split", "loss_results"]

CHUNK = 250  # activations that stay in a processor's cache: twice as fast as thousands at once
BLOCK = 64  # chunks


@dataclass(frozen=True)
class Block:
    """What is kept of a block of a split.

    Attributes:
        loss: over its examples whose class can be seen.
        counts: by component, what it is a mean over: examples, or the sum of their weights. Empty for the only block.
        means: the metrics that every run has.
        parts: of the metrics that the run names itself.
    """

    loss: CombinedLoss
    counts: Mapping[str, Tensor]
    means: Mapping[str, Mean]
    parts: MetricParts


def evaluated(state: TrainState, config: TrainingConfig) -> TrainState:
    """Return the state whose network is evaluated: that of the average of its weights, if there is one."""
    return state.averaged if config.evaluate_average else state


def evaluate(
    state: TrainState,
    split: Split,
    config: TrainingConfig,
    specs: OutputSpecs,
    *,
    forward: Forward | None = None,
    answers: NearestMean | None = None,
    on_block: Callable[[Batch], None] = lambda _batch: None,
) -> dict[str, float]:
    """Return the losses and metrics of the network on `split`.

    `loss/<component>`, `loss_weighted/<component>`, `loss/total` and the metrics of outputs other than heads are over
    the examples whose class is visible; scalars that the model returns are over all examples. `accuracy/all` is the
    fraction of all examples that the joined logits of all heads classify correctly, `accuracy/<head>` the same among
    the examples of that head's classes. `accuracy_within/<head>` is the accuracy of a head if the right head is known,
    and `accuracy_by_arrival/<n>` that on the classes that the n-th growth added; `mean` is over all of them, and each
    one is recorded if there are several. If classes are recorded, the metrics of `answers_by_class` are added. The
    metrics that `config` names have the names of `metric_values`. A metric without a value, such as an accuracy on
    classes of which `split` has no example, is left out.

    Args:
        state: the network.
        split: the examples.
        config: losses and metrics.
        specs: what the network's outputs predict.
        forward: called instead of the network; it must return the same.
        answers: how the heads answer, if not by their logits; losses are those of the logits.
        on_block: called with the answers of each block, in order.
    """
    needs, label_map = needs_of(config.losses.values()), specs.label_map
    if answers is not None:
        needs = replace(needs, taps=tuple({*needs.taps, answers.tap}))
    rows = _visible_rows(label_map, split.labels, CHUNK * BLOCK)
    blocks = []
    for batch, visible in zip(_blocks(state, split, specs, needs, forward), rows, strict=True):
        own = batch if visible is None else _part(batch, visible)
        answered, answerable = (one if answers is None else answers.answered(one) for one in (batch, own))
        on_block(answered)
        with torch.no_grad():
            blocks.append(_block(answered, answerable, batch_loss(state, own, config), config, split.labels))
    results = loss_results(_whole_loss(blocks)) | _values(blocks, config, label_map, split.labels)
    # One transfer for all values: each one on its own would make a GPU wait.
    return as_floats(results, torch.stack([value.double() for value in results.values()]), config.metrics)


def _block(batch: Batch, answerable: Batch, loss: CombinedLoss, config: TrainingConfig, labels: Tensor) -> Block:
    """Return what is kept of the block `batch` of a split with `labels`; `answerable` are its visible examples."""
    classes = _visible_classes(batch.specs.label_map, labels) if config.record_classes else None
    means = means_of(batch, answerable, visible=classes)
    counts = {} if len(batch.labels) == len(labels) else _counts(answerable, loss, config)
    return Block(loss, counts, means, metric_parts(config.metrics, batch, answerable))


def _counts(answerable: Batch, loss: CombinedLoss, config: TrainingConfig) -> dict[str, Tensor]:
    """Return what each component is a mean over."""
    examples = torch.full((), len(answerable.labels), device=answerable.labels.device)
    return dict.fromkeys(loss.components, examples) | LossCombination(config.losses).counts(answerable)


def _whole_loss(blocks: Sequence[Block]) -> CombinedLoss:
    """Return the loss of a split, given those of its blocks."""
    if len(blocks) == 1:
        return blocks[0].loss
    components = {name: _added(blocks, name, "components") for name in blocks[0].loss.components}
    weighted = {name: _added(blocks, name, "weighted") for name in blocks[0].loss.weighted}
    return CombinedLoss(components, weighted, torch.stack(list(weighted.values())).sum())


def _added(blocks: Sequence[Block], name: str, which: Literal["components", "weighted"]) -> Tensor:
    """Return the mean of a component over blocks, by what it is a mean over in each; 0 if that is nothing."""
    counts = torch.stack([block.counts[name].double() for block in blocks])
    values = torch.stack([getattr(block.loss, which)[name].double() for block in blocks])
    return (counts * values).where(counts > 0, 0.0).sum() / counts.sum().clamp(min=torch.finfo(counts.dtype).tiny)


def _values(blocks: Sequence[Block], config: TrainingConfig, label_map: LabelMap, labels: Tensor) -> dict[str, Tensor]:
    """Return the metrics of a split with `labels`, given its blocks."""
    results = values_of(block.means for block in blocks)
    if config.metrics:
        missing = _missing_classes(label_map, labels)
        parts = [block.parts for block in blocks]
        results |= metric_values(config.metrics, parts, label_map, missing=missing, by_class=config.record_classes)
    return results


def loss_results(loss: CombinedLoss) -> dict[str, Tensor]:
    """Return a loss by the names of results."""
    results = {f"loss/{name}": value for name, value in loss.components.items()}
    results |= {f"loss_weighted/{name}": value for name, value in loss.weighted.items()}
    return results | {"loss/total": loss.total}


def as_floats(names: Iterable[str], values: Tensor, metrics: Mapping[str, AbstractMetric]) -> dict[str, float]:
    """Return `values` by name, without metrics that have none: those of no example."""
    measured = dict(zip(names, values.tolist(), strict=True))
    return {
        name: value
        for name, value in measured.items()
        if not (isnan(value) and (name.startswith("accuracy") or is_of_metrics(name, metrics)))
    }


def forward_split(
    state: TrainState,
    split: Split,
    specs: OutputSpecs,
    needs: Needs | None = None,
    forward: Forward | None = None,
) -> Batch:
    """Return the network's outputs for all of `split`, in eval mode and 32 bits; scalars are means over it."""
    with eval_mode(state.model), torch.no_grad():
        chunks = [_without_inputs(forward_batch(state, chunk, specs, needs, forward)) for chunk in split.chunks(CHUNK)]
    return _joined(chunks, split, 0)


def _blocks(
    state: TrainState, split: Split, specs: OutputSpecs, needs: Needs, forward: Forward | None
) -> Iterator[Batch]:
    """Yield the outputs for each block, in eval mode and 32 bits."""
    chunks = iter(split.chunks(CHUNK))
    for start in range(0, len(split), CHUNK * BLOCK):
        with eval_mode(state.model), torch.no_grad():
            seen = [
                _without_inputs(forward_batch(state, chunk, specs, needs, forward)) for chunk in islice(chunks, BLOCK)
            ]
        yield _joined(seen, split, start)


def _without_inputs(chunk: Batch) -> Batch:
    """Return a chunk without its inputs, which may have been read from a file and are read again by whoever asks."""
    return replace(chunk, inputs={})


def _joined(chunks: Sequence[Batch], split: Split, start: int) -> Batch:
    """Return one batch of successive chunks, which begin at the example `start`; scalars are means over it."""
    count = sum(len(chunk.labels) for chunk in chunks)
    shares = [len(chunk.labels) / count for chunk in chunks]
    teachers = [chunk.teacher for chunk in chunks if chunk.teacher is not None]
    whole = count == len(split)

    def part(tensor: Tensor) -> Tensor:
        return tensor[start : start + count]

    return Batch(
        outputs=_joined_tensors([chunk.outputs for chunk in chunks], shares),
        inputs=split.inputs if whole else _slice(split, start, count),
        # The split's own tensor, by which is found what was counted in it before.
        labels=split.labels if whole else part(split.labels),
        specs=chunks[0].specs,
        targets=split.targets if whole else {name: part(values) for name, values in split.targets.items()},
        features=_joined_tensors([chunk.features for chunk in chunks], shares),
        teacher=_joined_tensors(teachers, shares) if teachers else None,
        teacher_features=_joined_tensors([chunk.teacher_features for chunk in chunks], shares),
        states=chunks[0].states,
        parameters=chunks[0].parameters,
    )


def _slice(split: Split, start: int, count: int) -> Inputs:
    """Return inputs of successive examples: a view of what is in memory, and what is yet to be read of a source."""
    if split.source is not None:
        return inputs_at(split.inputs, torch.arange(start, start + count))
    return map_inputs(lambda tensor: tensor[start : start + count], split.inputs)


def _joined_tensors(chunks: Sequence[Mapping[str, Tensor]], shares: Sequence[float]) -> dict[str, Tensor]:
    def join(values: list[Tensor]) -> Tensor:
        if values[0].dim():
            return torch.cat(values)
        return torch.stack([share * value for share, value in zip(shares, values, strict=True)]).sum()

    return {name: join([chunk[name] for chunk in chunks]) for name in chunks[0]}


@functools.lru_cache(maxsize=16)  # to look for them at each evaluation would make a GPU wait
def _visible_rows(label_map: LabelMap, labels: Tensor, size: int) -> tuple[Tensor | None, ...]:
    """Return for each block of `size` examples the indices in it of those whose class is visible; None for all."""
    known = [label_map.known(part) for part in labels.split(size)]
    return tuple(None if bool(some.all()) else some.nonzero().squeeze(1) for some in known)


@functools.lru_cache(maxsize=16)
def _visible_classes(label_map: LabelMap, labels: Tensor) -> tuple[int, ...]:
    """Return the visible classes that `labels` has examples of, in order."""
    return tuple(labels[label_map.known(labels)].unique().tolist())


@functools.lru_cache(maxsize=16)
def _missing_classes(label_map: LabelMap, labels: Tensor) -> int:
    """Return how many classes `labels` has examples of that are not visible."""
    return len(labels[~label_map.known(labels)].unique())


def _part(batch: Batch, chosen: Tensor) -> Batch:
    """Return the examples at the indices `chosen`; scalars are kept."""

    def part(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: value[chosen] if value.dim() else value for name, value in tensors.items()}

    return replace(
        batch,
        outputs=part(batch.outputs),
        inputs=inputs_at(batch.inputs, chosen),
        labels=batch.labels[chosen],
        targets=part(batch.targets),
        features=part(batch.features),
        teacher=None if batch.teacher is None else part(batch.teacher),
        teacher_features=part(batch.teacher_features),
    )

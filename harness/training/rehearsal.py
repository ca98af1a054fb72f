"""Rehearsal: a memory is filled when classes arrive, and batches draw from it."""

import functools
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from harness.core.output_specs import OutputSpecs
from harness.core.seeding import generator
from harness.data import ReplayedOrder, Split, TaskData
from harness.losses import Batch
from harness.training.config import TrainingConfig
from harness.training.evaluation import forward_split
from harness.training.exemplars import Exemplars, held_among
from harness.training.forward import Needs, needs_of
from harness.training.memory import Candidates
from harness.training.nearest_mean import NearestMean
from harness.training.output_specs import output_at
from harness.training.state import TrainState

__all__ = ["Recall", "filled", "grown_memory", "nearest_mean", "stand_in", "without_forgotten"]


def filled(state: TrainState, data: TaskData, config: TrainingConfig, specs: OutputSpecs) -> Exemplars | None:
    """Return what the memory of a run holds if classes arrive now; None without a memory.

    Args:
        state: before the growth that brings the classes. What the memory asks of it, its network says in eval mode.
        data: on the state's device.
        config: settings.
        specs: what the network's outputs predict before the growth.
    """
    if config.memory is None:
        return None
    held, (_, new) = state.memory or Exemplars(), _arrivals(data, specs)
    labels = data.train.labels.cpu()
    outputs = functools.partial(_outputs, state, data, specs)
    candidates = Candidates(
        held=labels[held.indices],
        new=labels[new],
        seen=held.seen,
        features=functools.cache(lambda tap: outputs(new, Needs(taps=(tap,))).features[tap].flatten(1).cpu()),
        losses=functools.cache(lambda: _cross_entropies(outputs(new)).cpu()),
    )
    positions = config.memory.choose(candidates, generator(state.seed, "memory", len(state.lineage)))
    indices = torch.cat([held.indices, new])[positions]
    kept = Exemplars(indices, {}, held.seen + len(new))
    if not len(indices) or not needs_of(config.losses.values()).memory:
        return kept
    stored = positions < len(held.indices)
    return replace(kept, outputs=_answers(held, positions, stored, outputs(indices[~stored])))


def grown_memory(state: TrainState, before: Exemplars | None, data: TaskData, specs: OutputSpecs) -> Exemplars | None:
    """Return what the memory holds after the last growth of `state`.

    Args:
        state: after the growth.
        before: what `filled` returned before it; forgotten again if the growth brought no classes.
        data: of the task.
        specs: what the network's outputs predict after the growth.
    """
    arrivals = specs.label_map.arrivals
    memory = before if arrivals and arrivals[-1] == len(state.lineage) else state.memory
    columns = {output_at(path, data): own for path, own in state.effects[-1].columns.items()}
    return None if memory is None else memory.grown(columns)


def nearest_mean(state: TrainState, data: TaskData, config: TrainingConfig, specs: OutputSpecs) -> NearestMean | None:
    """Return the means of the examples that the memory would hold if classes arrived now; None if not asked for.

    Args:
        state: whose network is evaluated.
        data: on the state's device.
        config: settings.
        specs: what the network's outputs predict.
    """
    held = filled(state, data, config, specs) if config.nearest_mean else None
    if held is None or config.nearest_mean is None or not len(held.indices):
        return None
    known = _outputs(state, data, specs, held.indices, Needs(taps=(config.nearest_mean,)))
    return NearestMean.of(config.nearest_mean, known.features[config.nearest_mean], known.labels)


def without_forgotten(state: TrainState, data: TaskData, config: TrainingConfig, specs: OutputSpecs) -> TaskData:
    """Return the data without training examples that are not remembered, whose classes came before the latest ones."""
    old, _ = _arrivals(data, specs)
    if config.memory is None or not len(old):
        return data
    left = torch.ones(len(data.train), dtype=torch.bool)
    left[old] = held_among(state.memory, left)[old]
    return replace(data, train=data.train.part(left.nonzero().squeeze(1).to(data.train.labels.device)))


def stand_in(data: TaskData, config: TrainingConfig, specs: OutputSpecs) -> Exemplars | None:
    """Return a memory of as many examples as that of a run holds in its place, for whoever counts them."""
    if config.memory is None:
        return None
    old, _ = _arrivals(data, specs)
    return Exemplars(old[: config.memory.room(data.train.labels.cpu()[old])])


class Recall:
    """Adds to batches what the memory stored with their examples.

    Args:
        memory: of the state.
        order: of the batches.
        device: of the batches.
    """

    def __init__(self, memory: Exemplars, order: ReplayedOrder, device: torch.device) -> None:
        self._indices, places = memory.indices.to(device).sort()
        self._outputs = {name: values.to(device)[places] for name, values in memory.outputs.items()}
        self._order = order

    def __call__(self, batch: Split, step: int) -> Split:
        """Return the batch at `step`, counted from the growth, with what is stored."""
        new = self._order.new_size
        indices = self._order.indices(step)[new:].to(self._indices.device)
        places = torch.searchsorted(self._indices, indices)
        stored = {
            name: torch.cat([values.new_full((new, values.shape[1]), torch.nan), values[places]])
            for name, values in self._outputs.items()
        }
        return replace(batch, stored=stored, new=new)


def _arrivals(data: TaskData, specs: OutputSpecs) -> tuple[Tensor, Tensor]:
    """Return the indices of the training examples of earlier classes, and of those that came last, on the CPU."""
    label_map = specs.label_map
    arrival, newest = label_map.arrival_of(data.train.labels).cpu(), (label_map.arrivals or (0,))[-1]
    return ((arrival >= 0) & (arrival < newest)).nonzero().squeeze(1), (arrival == newest).nonzero().squeeze(1)


def _outputs(
    state: TrainState, data: TaskData, specs: OutputSpecs, indices: Tensor, needs: Needs | None = None
) -> Batch:
    """Return what the network makes of the training examples at `indices`."""
    return forward_split(state, data.train.part(indices.to(data.train.labels.device)), specs, needs)


def _cross_entropies(batch: Batch) -> Tensor:
    label_map = batch.specs.label_map
    columns = label_map.column[batch.labels]
    return functional.cross_entropy(label_map.joined(batch.outputs), columns, reduction="none")


def _answers(held: Exemplars, positions: Tensor, stored: Tensor, fresh: Batch) -> dict[str, Tensor]:
    """Return the outputs `[M, C]` that are kept: those that were stored, and what the network answers now.

    They are those of a row an example that predict something.
    """
    answers = {}
    for name in (*fresh.specs.label_map.heads, *fresh.specs.outputs):
        values = fresh.outputs.get(name)
        if values is None or values.dim() != 2:
            continue
        kept = values.new_full((len(positions), values.shape[1]), torch.nan, device="cpu")
        kept[~stored] = values.cpu()
        if name in held.outputs:
            kept[stored] = held.outputs[name][positions[stored]]
        answers[name] = kept
    return answers

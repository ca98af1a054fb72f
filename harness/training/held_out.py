"""Examples that are held out of training, on which new and earlier classes are compared."""

import torch
from torch import Tensor
from torch.nn import functional

from harness.core.errors import SpecError
from harness.core.label_map import LabelMap
from harness.core.output_specs import OutputSpecs
from harness.core.seeding import generator
from harness.data import TaskData
from harness.growth.probe import Probe
from harness.training.config import TrainingConfig
from harness.training.exemplars import held_among
from harness.training.state import TrainState

__all__ = ["held_out", "held_out_probe"]


def held_out(state: TrainState, labels: Tensor, config: TrainingConfig, label_map: LabelMap) -> Tensor:
    """Return `[N]` bool, on the CPU: which of the training examples of `labels` `[N]` no step is trained on.

    Of each earlier class it is a part of what the memory holds, of each new one as many examples as of an earlier one
    on average. They are drawn when classes arrive, from the stream (seed, "held out", number of that growth).
    """
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    newest = label_map.arrivals[-1] if label_map.arrivals else 0
    if config.memory is None or not config.memory.held_out or not newest:
        return chosen
    arrival, labels = label_map.arrival_of(labels).cpu(), labels.cpu()
    stream = generator(state.seed, "held out", newest)
    held = held_among(state.memory, chosen) & (arrival >= 0) & (arrival < newest)
    counts = [_draw(chosen, own, round(config.memory.held_out * len(own)), stream) for own in _by_class(labels, held)]
    for own in _by_class(labels, arrival == newest) if sum(counts) else ():
        _draw(chosen, own, round(sum(counts) / len(counts)), stream)
    return chosen


def held_out_probe(state: TrainState, data: TaskData, config: TrainingConfig, specs: OutputSpecs) -> Probe:
    """Return the examples that are held out, with the cross-entropy of all classes as their loss.

    Raises:
        SpecError: there are none.
    """
    label_map, train = specs.label_map, data.train
    indices = held_out(state, train.labels, config, label_map).nonzero().squeeze(1)
    if not len(indices):
        raise SpecError(
            f"expected examples that are held out at step {state.step}, found none; let the memory hold two or more of "
            "each class, and classes arrive before"
        )
    outside = train.source is not None and not train.source.in_memory
    examples = train.take(indices if outside else indices.to(train.labels.device))
    columns = label_map.column[examples.labels]
    return Probe(examples.inputs, loss=lambda outputs: functional.cross_entropy(label_map.joined(outputs), columns))


def _by_class(labels: Tensor, among: Tensor) -> list[Tensor]:
    """Return the indices of the examples `among` all, class by class."""
    return [(among & (labels == label)).nonzero().squeeze(1) for label in labels[among].unique().tolist()]


def _draw(chosen: Tensor, own: Tensor, count: int, stream: torch.Generator) -> int:
    """Choose `count` examples of a class, at least one and never all; return how many."""
    count = min(max(count, 1), len(own) - 1)
    chosen[own[torch.randperm(len(own), generator=stream)[:count]]] = True
    return count

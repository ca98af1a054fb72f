"""The network of a run at step 0, and the examples that its growths get as probes."""

from collections.abc import Callable

import torch

from harness.core.label_map import LabelMap
from harness.core.outputs import LABELS
from harness.core.seeding import generator
from harness.data import TaskData
from harness.growth import Change, NoFreezing
from harness.growth.probe import Probe, stand_in_loss
from harness.models import GrowableModel
from harness.staging.run import RunConfig
from harness.training.output_specs import output_specs
from harness.training.probe_loss import TrainedLoss
from harness.training.state import build_model

__all__ = ["PROBE_SIZE", "build_network", "probe_for"]

PROBE_SIZE = 256
FEW = 2  # examples, where only their shape counts


def build_network(config: RunConfig, data: TaskData) -> GrowableModel:
    """Return the network at step 0, after the operations of the start; its own output is the task's first.

    Raises:
        InputError: an operation of the start cannot be applied.
    """
    output, columns = next(iter(config.task.sizes.items()))
    device = torch.device(config.device)
    model = build_model(config.model, output=output, outputs=columns, seed=config.seed, device=device)
    for number, operation in enumerate(config.start):
        change = Change(operation=operation, freeze=NoFreezing())
        stream = generator(config.seed, "start", number)
        probe = probe_for(change, data, lambda: _loss_at_start(model, config, data))
        operation.apply(model, probe=probe, generator=stream)
    losses = config.training.losses
    model.learn_weights(name for name, loss in losses.items() if loss.learned_weight)
    return model


def _loss_at_start(model: GrowableModel, config: RunConfig, data: TaskData) -> TrainedLoss:
    return TrainedLoss(model, config.training.losses, output_specs(model, (), (), data))


def probe_for(change: Change, data: TaskData, trained: Callable[[], TrainedLoss] | None = None) -> Probe:
    """Return the probe of `change`: training examples, with targets of the new output if it classifies.

    Args:
        change: that is to be made.
        data: of the task.
        trained: returns the loss, for operations whose values follow from it. Without it, they follow from another one:
            for networks whose values will be replaced.
    """
    size = PROBE_SIZE if change.operation.reads_examples else FEW
    examples = data.train.take(torch.arange(min(size, len(data.train))))
    if change.operation.reads_loss:
        return trained().probe(data.train, PROBE_SIZE) if trained else Probe(examples.inputs, loss=stand_in_loss)
    head = next(iter(change.operation.new_outputs()), None)
    output = data.outputs.get(head) if head else None
    if head and output is not None and output.kind == "classes":
        target = output.target_of(head)
        return Probe(examples.inputs, examples.labels if target == LABELS else examples.targets[target])
    classes = data.classes.get(head, change.reveals) if head else change.reveals
    if not classes:
        return Probe(examples.inputs)
    label_map = LabelMap.of({"new": classes}, device=examples.labels.device)
    known = label_map.known(examples.labels)
    return Probe(examples.inputs, torch.where(known, label_map.column[examples.labels * known], -1))

"""The network of a run at step 0, and the examples that its growths may look at."""

import torch

from harness.core.label_map import LabelMap
from harness.data import TaskData
from harness.growth import Change
from harness.growth.probe import Probe
from harness.models import GrowableModel
from harness.staging.run import RunConfig
from harness.training.state import build_model

__all__ = ["PROBE_SIZE", "build_network", "probe_for"]

PROBE_SIZE = 256


def build_network(config: RunConfig, data: TaskData) -> GrowableModel:
    """Return the network at step 0; its own output is the task's first head."""
    output, classes = next(iter(data.classes.items()))
    device = torch.device(config.device)
    return build_model(config.model, output=output, outputs=len(classes), seed=config.seed, device=device)


def probe_for(change: Change, data: TaskData) -> Probe:
    """Return training examples for `change` to look at, with the right new output for each if it brings a head."""
    examples = data.train.take(torch.arange(min(PROBE_SIZE, len(data.train))))
    head = str(getattr(change.operation, "name", ""))
    if head not in data.classes:
        return Probe(examples.inputs)
    column = LabelMap.of({head: data.classes[head]}, device=examples.labels.device)
    known = column.known(examples.labels)
    return Probe(examples.inputs, torch.where(known, column.column[examples.labels * known], -1))

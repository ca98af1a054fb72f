"""Whether metrics that a run names can be computed, tried before anything is trained."""

import torch
from torch import Tensor

from harness.core.errors import HarnessError, SpecError
from harness.core.label_map import LabelMap
from harness.core.output_specs import OutputSpecs
from harness.core.outputs import Output
from harness.data import Split, TaskData
from harness.losses import Batch
from harness.metrics import AbstractMetric
from harness.staging.in_words import failure_in_words
from harness.staging.run import RunConfig
from harness.training.named_metrics import metric_parts, metric_values

__all__ = ["check_metrics"]

EXAMPLES = 250  # of the whole split, so that most classes are among them


def check_metrics(config: RunConfig, data: TaskData) -> None:
    """Compute each metric of random outputs for some validation examples, in two parts.

    Raises:
        SpecError: one fails, or is not of the shape that it says.
    """
    if not config.training.metrics:
        return
    with torch.random.fork_rng(devices=[]):  # a metric of the user's own may draw from it
        first, second = (_batch(part, config, data) for part in _parts(data.validation))
        for name, metric in config.training.metrics.items():
            _try(name, metric, first, second)


def _try(name: str, metric: AbstractMetric, first: Batch, second: Batch) -> None:
    metrics = {name: metric}
    try:
        parts = [metric_parts(metrics, part, part) for part in (first, second)]
        metric_values(metrics, parts, first.specs.label_map, by_class=True)
    except HarnessError as error:
        raise SpecError(f"training.metrics.{name}: {error}") from None
    except Exception as error:  # noqa: BLE001  # a metric is the user's code and may raise anything
        raise SpecError(
            f"training.metrics.{name}: expected {metric.kind} to be computed from predictions of random outputs, "
            f"found that it fails with {failure_in_words(error)}"
        ) from None


def _parts(split: Split) -> tuple[Split, Split]:
    """Return some examples of all of the split, in two parts."""
    rows = torch.linspace(0, len(split) - 1, min(EXAMPLES, len(split))).long().unique()
    half = max(1, len(rows) // 2)
    return split.part(rows[:half]), split.part(rows[half:] if len(rows) > half else rows[:half])


def _batch(split: Split, config: RunConfig, data: TaskData) -> Batch:
    """Return what a network with all outputs might answer; classes that are hidden or have no column are left out."""
    device, task = split.labels.device, config.task
    label_map = LabelMap.of(task.classes, hidden=task.hidden, device=device)
    split = split.part(label_map.known(split.labels).nonzero().squeeze(1))
    specs = OutputSpecs(label_map, task.outputs, data.scales)
    stream = torch.Generator().manual_seed(0)
    batch = Batch({}, split.inputs, split.labels, specs, split.targets)
    shapes: dict[str, tuple[int, ...]] = {name: (len(split), len(columns)) for name, columns in task.classes.items()}
    shapes |= {name: _shape(output, batch.target(name)) for name, output in task.outputs.items()}
    outputs = {name: torch.randn(shape, generator=stream).to(device) for name, shape in shapes.items()}
    return Batch(outputs, split.inputs, split.labels, specs, split.targets)


def _shape(output: Output, target: Tensor) -> tuple[int, ...]:
    """Return the shape of an output: of classes at positions, one for each."""
    columns = target.shape[1] if output.kind == "inputs" else output.columns
    return (*target.shape, columns) if output.kind == "classes" else (len(target), columns)

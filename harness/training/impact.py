"""What a growth did to the function and to the cost of a network, measured on a fixed batch just before and after."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils import flop_counter

from harness.core.output_specs import OutputSpecs
from harness.data import Split
from harness.training.compiler import spare_compiler
from harness.training.config import TrainingConfig
from harness.training.evaluation import forward_split
from harness.training.forward import Forward, needs_of
from harness.training.metrics import accuracies
from harness.training.state import TrainState
from harness.training.step import batch_loss

__all__ = ["OutputSnapshot", "impact", "snapshot_outputs"]

FEW = 2  # examples whose operations are counted, as in the counts of a run


@dataclass(frozen=True)
class OutputSnapshot:
    """What a network computes for a fixed batch, and at what cost.

    Attributes:
        outputs: `[B, C]` by name, in eval mode.
        components: of the loss, unweighted.
        accuracy: fraction of the batch that is classified correctly; None without heads that classify.
        flops: multiplications and additions of one forward pass, per example.
    """

    outputs: dict[str, Tensor]
    components: dict[str, float]
    accuracy: float | None
    flops: float


def snapshot_outputs(
    state: TrainState,
    examples: Split,
    config: TrainingConfig,
    specs: OutputSpecs,
    forward: Forward | None = None,
) -> OutputSnapshot:
    """Return what the network computes for `examples`, all of whose classes can be seen. Nothing is changed.

    Args:
        state: of the network, and all that follows it.
        examples: the fixed batch.
        config: whose losses are measured.
        specs: what the network's outputs predict.
        forward: returns the outputs for a part of `examples`, if not the network, as from features of its lower part.
    """
    few = examples.take(torch.arange(min(FEW, len(examples)), device=examples.labels.device))
    spare_compiler(flop_counter._FlopCounterMode.__torch_dispatch__)  # noqa: SLF001
    with flop_counter.FlopCounterMode(display=False) as counter:
        forward_split(state, few, specs)
    batch = forward_split(state, examples, specs, needs_of(config.losses.values()), forward)
    with torch.no_grad():
        losses = batch_loss(state, batch, config).components
    components = {name: value.item() for name, value in losses.items()}
    heads = specs.label_map.heads
    right = accuracies(batch.outputs, batch.labels, specs.label_map)["accuracy/all"].item() if heads else None
    outputs = {name: value for name, value in batch.outputs.items() if value.dim() > 1}
    return OutputSnapshot(outputs, components, right, counter.get_total_flops() / len(few))


def impact(before: OutputSnapshot, after: OutputSnapshot) -> dict[str, float]:
    """Return what changed.

    `logit_change` is the largest change of any old output in any old column. The loss of the old components and the
    accuracy on the old classes can change even if no logit does, because new outputs compete with the old ones.
    """
    changes = [_change(old, after.outputs[name]) for name, old in before.outputs.items() if name in after.outputs]
    common = [name for name in before.components if name in after.components]
    metrics = {
        "growth/logit_change": max(changes, default=0.0),
        "growth/known_loss_before": sum(before.components[name] for name in common),
        "growth/known_loss_after": sum(after.components[name] for name in common),
        "growth/flops_added": after.flops - before.flops,
    }
    if before.accuracy is not None and after.accuracy is not None:
        metrics |= {"growth/known_accuracy_before": before.accuracy, "growth/known_accuracy_after": after.accuracy}
    return metrics


def _change(old: Tensor, new: Tensor) -> float:
    columns = min(old.shape[1], new.shape[1])  # a layer that was replaced may have fewer
    return (new[:, :columns] - old[:, :columns]).abs().max().item()

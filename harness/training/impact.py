"""What a growth did to the function and to the cost of a network, measured on a fixed batch just before and after."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from harness.core.label_map import LabelMap
from harness.data import Split
from harness.training.config import TrainingConfig
from harness.training.evaluation import accuracies, outputs_of
from harness.training.state import TrainState

__all__ = ["Appearance", "appearance", "impact"]


@dataclass(frozen=True)
class Appearance:
    """How a network looks from outside.

    Attributes:
        outputs: `[B, C]` by name, in eval mode.
        loss: unweighted sum of the components.
        accuracy: fraction of the batch that is classified rightly.
        flops: multiplications and additions of one forward pass, per example.
    """

    outputs: dict[str, Tensor]
    loss: float
    accuracy: float
    flops: float


def appearance(state: TrainState, batch: Split, config: TrainingConfig, label_map: LabelMap) -> Appearance:
    """Look at the network with `batch`, all of whose classes it answers for. Nothing is changed."""
    with FlopCounterMode(display=False) as counter:
        outputs = outputs_of(state, batch)
    components = config.loss.components(outputs, batch.labels, label_map)
    # Components of classes that the batch has no example of are zero.
    loss = torch.stack(list(components.values())).sum().item()
    accuracy = accuracies(outputs, batch.labels, label_map)["accuracy/all"].item()
    return Appearance(outputs, loss, accuracy, counter.get_total_flops() / len(batch))


def impact(before: Appearance, after: Appearance) -> dict[str, float]:
    """Return what changed.

    `logit_change` is the largest change of any old output in any old column; loss and accuracy, of the old classes,
    change even where no logit does, because new outputs compete with the old ones.
    """
    changes = [
        (after.outputs[name][:, : old.shape[1]] - old).abs().max().item()
        for name, old in before.outputs.items()
        if name in after.outputs
    ]
    return {
        "growth/logit_change": max(changes, default=0.0),
        "growth/known_loss_before": before.loss,
        "growth/known_loss_after": after.loss,
        "growth/known_accuracy_before": before.accuracy,
        "growth/known_accuracy_after": after.accuracy,
        "growth/flops_added": after.flops - before.flops,
    }

"""From a batch to the predictions of one of its outputs, as metrics read them."""

import torch

from harness.core.label_map import LabelMap
from harness.core.outputs import Output
from harness.core.positions import by_position
from harness.losses import Batch
from harness.metrics import UNSEEN, PredictedKind, Predictions

__all__ = ["joint_predictions", "predicted_kind", "predictions_of_output"]


def predicted_kind(output: Output) -> PredictedKind:
    """Return the kind of its predictions: reconstructed inputs are values."""
    return "values" if output.kind == "inputs" else output.kind


def joint_predictions(batch: Batch) -> Predictions:
    """Return the predictions of the joined heads, by the columns of the classes that can be seen."""
    label_map: LabelMap = batch.specs.label_map
    known = label_map.known(batch.labels)
    columns = label_map.column[batch.labels.where(known, 0)]
    return Predictions("classes", label_map.joined(batch.outputs), torch.where(known, columns, UNSEEN))


def predictions_of_output(batch: Batch, name: str) -> Predictions:
    """Return the predictions of an output that is no head; values are in their target's own unit."""
    kind = predicted_kind(batch.specs.outputs[name])
    outputs, truth = batch.outputs[name], batch.target(name)
    if kind == "classes":
        return Predictions(kind, *by_position(outputs, truth))
    outputs = outputs.flatten(1)
    truth = truth[:, : outputs.shape[1]]
    if kind == "binary":
        return Predictions(kind, outputs, truth > 0.5)
    scale = batch.specs.scale(name)
    return Predictions(kind, outputs.double() * scale.std + scale.mean, truth.double() * scale.std + scale.mean)

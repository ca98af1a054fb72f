"""How far a network's features have moved since a growth.

Three measures: linear CKA, debiased (arXiv 2010.15327), the relative change in length, and the accuracy of a linear
probe (arXiv 1610.01644). None is enough alone: a few outliers change CKA without any change of the function (arXiv
2210.16156), lengths change where nothing is rearranged, and a probe may read what the network does not use.
"""

import math

import torch
from torch import Tensor, nn

from harness.core.label_map import LabelMap
from harness.data import Split
from harness.models.eval_mode import eval_mode
from harness.models.taps import capture
from harness.models.teacher import teacher_of
from harness.training.precision import autocast
from harness.training.state import TrainState

__all__ = ["debiased_cka", "drift", "probed_accuracy", "relative_change"]

PROBE_SIZE = 256
FEWEST = 4  # examples, below which the debiased estimate does not exist
PENALTY = 0.01  # of the probe, in units of the mean squared length of the features


def drift(state: TrainState, split: Split, label_map: LabelMap) -> dict[str, float]:
    """Return how far features are from those of the network's teacher; an empty dict without a teacher.

    They are measured on some examples of classes that were visible before the last growth. Where no feature has moved,
    `drift/cka/<layer>` is 1 and `drift/change/<layer>` is 0; `drift/probe/<layer>` is the accuracy with which a linear
    probe tells the classes apart. Layers are the backbone's modules with weights, by path, that the teacher has as
    well. A layer that was widened has no change in length.
    """
    teacher = teacher_of(state.model)
    arrival = label_map.arrival_of(split.labels)
    known = ((arrival >= 0) & (arrival < len(state.lineage))).nonzero().squeeze(1)
    if teacher is None or len(known) < FEWEST:
        return {}
    examples, layers = split.take(known[:PROBE_SIZE]), _layers(state.model.backbone)
    inputs = examples.inputs
    with eval_mode(state.model), torch.no_grad(), autocast(state.precision, state.device):
        _, before = teacher.forward(inputs, layers)
        with capture(state.model.backbone, before) as now:
            state.model(inputs)
    metrics = {}
    for layer in before:
        old, new = before[layer], now.get(layer)
        if isinstance(new, Tensor) and isinstance(old, Tensor) and len(old) == len(new) == len(examples):
            metrics[f"drift/cka/{layer}"] = debiased_cka(old, new)
            metrics[f"drift/change/{layer}"] = relative_change(old, new) if old.shape == new.shape else math.nan
            metrics[f"drift/probe/{layer}"] = probed_accuracy(new, examples.labels)
    return {name: value for name, value in metrics.items() if math.isfinite(value)}


def debiased_cka(one: Tensor, other: Tensor) -> float:
    """Return the similarity of two sets of features `[N, ...]` of the same N > 3 examples; 1 if they are equal.

    NaN if the features of either are the same for all examples.
    """
    if one.shape == other.shape and torch.equal(one, other):
        return 1.0
    grams = [_gram(features) for features in (one, other)]
    both, *each = (_hsic(left, right) for left, right in (grams, (grams[0], grams[0]), (grams[1], grams[1])))
    return both / math.sqrt(each[0] * each[1]) if min(each) > 0 else math.nan


def relative_change(old: Tensor, new: Tensor) -> float:
    """Return the length of `new - old` over that of `old`; NaN for features that were all zero."""
    length = old.double().norm().item()
    return (new.double() - old.double()).norm().item() / length if length else math.nan


def probed_accuracy(features: Tensor, labels: Tensor) -> float:
    """Return the accuracy of a linear classifier of N examples from their features `[N, ...]`, leaving one out.

    Each example is classified by a ridge regression on all others, which has a closed form (Allen, 1974). NaN if all
    `labels` `[N]` are the same, or all features are zero.
    """
    flat = features.double().flatten(1)
    flat = flat - flat.mean(dim=0)
    gram, classes = flat @ flat.T, labels.unique()
    length = gram.diagonal().mean()
    if len(classes) < 2 or not length > 0:
        return math.nan
    eye = torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    inverse = torch.linalg.inv(gram / length + 1 + PENALTY * eye)  # the 1 is an intercept
    targets = (labels[:, None] == classes).to(gram.dtype)
    left_out = targets - (inverse @ targets) / inverse.diagonal()[:, None]
    right = classes[left_out.argmax(dim=1)] == labels
    return float(right.double().mean())


def _layers(backbone: nn.Module) -> list[str]:
    """Return the paths of modules that hold weights themselves, not only biases and scales."""
    return [
        name
        for name, module in backbone.named_modules()
        if name and any(parameter.dim() > 1 for parameter in module.parameters(recurse=False))
    ]


def _gram(features: Tensor) -> Tensor:
    """Return `[N, N]` inner products, without those of an example with itself."""
    flat = features.double().flatten(1)
    flat = flat - flat.mean(dim=0)  # changes nothing but rounding
    return (flat @ flat.T).fill_diagonal_(0)


def _hsic(one: Tensor, other: Tensor) -> float:
    """Return the unbiased estimate of HSIC from Gram matrices with empty diagonals (Song et al., 2012, eq. 5)."""
    size = len(one)
    together = (one * other).sum() + one.sum() * other.sum() / ((size - 1) * (size - 2))
    return ((together - 2 / (size - 2) * (one.sum(dim=0) @ other.sum(dim=0))) / (size * (size - 3))).item()

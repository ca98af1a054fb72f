"""Cross-entropy over the joined logits of all heads, one component per head."""

import functools
from collections.abc import Mapping
from typing import Annotated, Literal

import torch
from pydantic import Field, NonNegativeFloat, NonNegativeInt
from torch import Tensor
from torch.nn import functional

from harness.core.label_map import LabelMap
from harness.losses._base import AbstractLoss, Batch, cross_entropies, mean_over

__all__ = ["JointCrossEntropy"]


class JointCrossEntropy(AbstractLoss):
    """-log softmax of the true class among all heads' logits, averaged over the examples of each head's classes.

    All heads compete for every example, so their logits can be compared. A head's component is over the examples of its
    own classes, and zero for a batch without any. Classes that are not visible yet do not compete.

    Attributes:
        label_smoothing: the part of the true probability that is spread evenly over all classes (arXiv 1512.00567).
        class_weights: the weight of the examples of a class; 1 for classes that are not named. The mean is weighted, as
            in `torch.nn.CrossEntropyLoss`; over examples without weight it is 0.
    """

    kind: Literal["joint_cross_entropy"] = "joint_cross_entropy"
    label_smoothing: Annotated[NonNegativeFloat, Field(lt=1)] = 0.0
    class_weights: Mapping[NonNegativeInt, NonNegativeFloat] = {}

    @property
    def classes(self) -> frozenset[int]:
        """The classes that have weights."""
        return frozenset(self.class_weights)

    def components(self, name: str, batch: Batch) -> dict[str, Tensor]:  # noqa: ARG002
        """Return one component per head, by the head's name."""
        label_map = batch.specs.label_map
        if not label_map.heads:
            return {}
        columns = label_map.column[batch.labels]
        logits = label_map.joined(batch.outputs)
        if not self.class_weights and len(label_map.heads) == 1:
            mean = functional.cross_entropy(logits, columns, label_smoothing=self.label_smoothing)
            return {label_map.heads[0]: mean}
        if not self.class_weights:
            losses = cross_entropies(logits, columns, self.label_smoothing)
            return _by_head(losses, None, batch.labels, label_map)
        weights = self._weights(label_map)
        losses = functional.cross_entropy(
            logits, columns, weight=weights.to(logits), reduction="none", label_smoothing=self.label_smoothing
        )
        return _by_head(losses, weights[columns].to(logits), batch.labels, label_map)

    @property
    def classifies(self) -> bool:
        """Return True."""
        return True

    def predictions(self, name: str, batch: Batch) -> Tensor | None:  # noqa: ARG002
        """Return the joined logits, or nothing without any head."""
        return batch.specs.label_map.joined(batch.outputs) if batch.specs.label_map.heads else None

    def counts(self, name: str, batch: Batch) -> dict[str, Tensor]:  # noqa: ARG002
        """Return the weights of each head's examples, added up."""
        label_map = batch.specs.label_map
        if len(label_map.heads) < 2 and not self.class_weights:
            return {}
        owner, weights = label_map.head[batch.labels], self._weights(label_map)[label_map.column[batch.labels]]
        return {head: (weights * (owner == index)).sum() for index, head in enumerate(label_map.heads)}

    def _weights(self, label_map: LabelMap) -> Tensor:
        return _column_weights(label_map, tuple(self.class_weights.items()))


def _by_head(losses: Tensor, counts: Tensor | None, labels: Tensor, label_map: LabelMap) -> dict[str, Tensor]:
    if counts is not None and len(label_map.heads) == 1:
        return {label_map.heads[0]: _weighted_mean(losses.sum(), counts.sum())}
    owner = label_map.head[labels]
    if counts is None:
        return {head: mean_over(losses, owner == index) for index, head in enumerate(label_map.heads)}
    return {
        head: _weighted_mean((losses * (owner == index)).sum(), (counts * (owner == index)).sum())
        for index, head in enumerate(label_map.heads)
    }


def _weighted_mean(losses: Tensor, counts: Tensor) -> Tensor:
    """Return the mean of weighted losses whose weights add up to `counts`; 0 if they add up to nothing."""
    # Smoothed labels give losses other than 0 to examples of no weight.
    return losses * (counts > 0) / counts.clamp(min=torch.finfo(counts.dtype).tiny)


@functools.lru_cache(maxsize=4)  # a copy to a GPU at each step would make it wait
def _column_weights(label_map: LabelMap, by_class: tuple[tuple[int, float], ...]) -> Tensor:
    weights = torch.ones(label_map.columns)
    table = label_map.column.tolist()
    for label, weight in by_class:
        if label < len(table) and table[label] >= 0:
            weights[table[label]] = weight
    return weights.to(label_map.column.device)

"""Metrics: how good predictions are, each as one number that people read."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from harness.core.spec import LeafSpec
from harness.metrics.predictions import PredictedKind, Predictions

__all__ = [
    "CLASSES_AND_BINARY",
    "OF_CLASS",
    "PERCENT",
    "TARGET",
    "AbstractMetric",
    "AbstractSummedMetric",
    "Direction",
    "counted",
]

Direction = Literal["maximize", "minimize"]
PERCENT, TARGET = "%", "target"
OF_CLASS = "_of_class"  # ends the family of a metric's values by class
CLASSES_AND_BINARY: tuple[PredictedKind, ...] = ("classes", "binary")


class AbstractMetric(LeafSpec):
    """How good the predictions of an output are, as a number.

    A leaf says in `value` how it follows from predictions. Those of a large split come in several parts, which are
    joined first; a leaf that can add parts up is an `AbstractSummedMetric` and keeps only sums. Predictions are never
    of no example: a metric without examples has no value, and no method is called. A value that does not exist, such as
    one of classes that are all alike, is NaN, and is left out.

    Attributes:
        reads: the kinds of outputs that it can be computed from.
        by_class: whether `value` returns one number per column, `[C]`, NaN for those without examples. The metric is
            then their mean, and is also given for each head and each class.
        unseen: what a class counts as that has examples and no column yet; examples of such classes are then among the
            predictions. None: they are left out.
        output: the one output that is measured; None for every output of a kind that it reads.
        direction: which way is better.
        unit: `%` of a fraction that is read in percent, `target` of numbers in the unit of the output's target, or any
            other, which is written as it is.
        title: what it is in words, to stand within a sentence; its kind unless given.
    """

    reads: ClassVar[tuple[PredictedKind, ...]] = ("classes",)
    by_class: ClassVar[bool] = False
    unseen: ClassVar[float | None] = None

    output: str | None = None
    direction: Direction = "maximize"
    unit: str = ""
    title: str = ""

    @abstractmethod
    def value(self, predictions: Predictions) -> Tensor:
        """Return the metric as a scalar, or by class `[C]`; on the device of the predictions, without reading it."""

    def part(self, predictions: Predictions) -> Any:
        """Return what is kept of a part of a split; the predictions themselves unless overridden."""
        return predictions

    def whole(self, parts: Sequence[Any]) -> Tensor:
        """Return the metric of all parts of a split, given what was kept of each."""
        return self.value(Predictions.joined(parts))


class AbstractSummedMetric(AbstractMetric):
    """A metric of sums over examples, of which nothing else is kept."""

    @abstractmethod
    def sums(self, predictions: Predictions) -> dict[str, Tensor]:
        """Return sums over the examples, by name; the number of examples is among them where it is needed."""

    @abstractmethod
    def of_sums(self, sums: Mapping[str, Tensor]) -> Tensor:
        """Return the metric, given the sums over all examples."""

    def value(self, predictions: Predictions) -> Tensor:
        """Return the metric of the sums."""
        return self.of_sums(self.sums(predictions))

    def part(self, predictions: Predictions) -> dict[str, Tensor]:
        """Return the sums over a part."""
        return self.sums(predictions)

    def whole(self, parts: Sequence[Mapping[str, Tensor]]) -> Tensor:
        """Return the metric of the parts' sums."""
        return self.of_sums({name: torch.stack([part[name] for part in parts]).sum(dim=0) for name in parts[0]})


def counted(predictions: Predictions) -> Tensor:
    """Return the number of predictions, float64: of examples, or of all their columns."""
    amount = predictions.truth.numel()
    return torch.full((), amount, dtype=torch.float64, device=predictions.outputs.device)

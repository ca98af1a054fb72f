"""What a task is, and what a loaded one holds."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from pydantic import model_validator
from torch import Tensor

from harness.core.spec import LeafSpec

__all__ = ["AbstractTask", "Scale", "Split", "TaskData"]


@dataclass(frozen=True)
class Split:
    """Examples held as whole tensors.

    Attributes:
        inputs: `[N, ...]` float32.
        labels: `[N]` int64, the class of each example, which decides from when on it is seen.
        targets: whatever else is known of the examples, by name: classes `[N]` int64 or values `[N, D]` float32.
        features: what a part of a network that stands still makes of the inputs, by name, `[N, ...]` each.
    """

    inputs: Tensor
    labels: Tensor
    targets: Mapping[str, Tensor] = field(default_factory=dict)
    features: Mapping[str, Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Tensor) -> "Split":
        """Return the examples at `indices` `[B]`."""
        return self._each(lambda tensor: tensor[indices])

    def chunks(self, size: int) -> Iterator["Split"]:
        """Yield the examples in order, `size` at a time."""
        for start in range(0, len(self), size):
            yield self._each(lambda tensor, start=start: tensor[start : start + size])  # type: ignore[misc]

    def to(self, device: torch.device) -> "Split":
        """Return the examples on `device`."""
        return self._each(lambda tensor: tensor.to(device))

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Split":
        named = [{name: change(t) for name, t in tensors.items()} for tensors in (self.targets, self.features)]
        return Split(change(self.inputs), change(self.labels), *named)


@dataclass(frozen=True)
class Scale:
    """How a standardized target reads in its own unit: `value * std + mean`."""

    mean: float
    std: float
    unit: str = ""


@dataclass(frozen=True)
class TaskData:
    """The fixed splits of a task, which head answers for which classes, and the scales of standardized targets."""

    train: Split
    validation: Split
    test: Split
    classes: Mapping[str, tuple[int, ...]]
    scales: Mapping[str, Scale] = field(default_factory=dict)

    def to(self, device: torch.device) -> "TaskData":
        """Return the data on `device`."""
        moved = {name: getattr(self, name).to(device) for name in ("train", "validation", "test")}
        return replace(self, **moved)


class AbstractTask(LeafSpec):
    """A data set, split once and for all, whose classes are answered for by named heads.

    `classes` maps a head's name to its class labels; the first head is the network's own output, the others
    are attached by growths. A training example is seen from the moment that the head of its class exists.
    """

    classes: dict[str, tuple[int, ...]]

    @model_validator(mode="after")
    def _every_class_once(self) -> "AbstractTask":
        labels = [label for group in self.classes.values() for label in group]
        if not labels or len(labels) != len(set(labels)) or min(labels) < 0:
            raise ValueError(f"expected every class in one head, found {self.classes}")
        if not all(self.classes.values()):
            raise ValueError(f"expected heads with classes, found {self.classes}")
        return self

    @abstractmethod
    def load(self, folder: Path | None) -> TaskData:
        """Return the data, on the CPU.

        `folder` is looked into before anything is downloaded; None means nowhere.

        Raises:
            DataError: a file is missing and cannot be had, or is not the publisher's.
        """

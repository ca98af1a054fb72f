"""What a task is, and what a loaded one holds."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from pydantic import model_validator
from torch import Tensor

from harness.core.spec import LeafSpec

__all__ = ["AbstractTask", "Split", "TaskData"]


@dataclass(frozen=True)
class Split:
    """Examples held as whole tensors: `inputs` `[N, ...]` float32 and `labels` `[N]` int64."""

    inputs: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Tensor) -> "Split":
        """Return the examples at `indices` `[B]`."""
        return Split(self.inputs[indices], self.labels[indices])

    def chunks(self, size: int) -> Iterator["Split"]:
        """Yield the examples in order, `size` at a time."""
        for inputs, labels in zip(self.inputs.split(size), self.labels.split(size), strict=True):
            yield Split(inputs, labels)

    def to(self, device: torch.device) -> "Split":
        """Return the examples on `device`."""
        return Split(self.inputs.to(device), self.labels.to(device))


@dataclass(frozen=True)
class TaskData:
    """The fixed splits of a task, and which head answers for which classes."""

    train: Split
    validation: Split
    test: Split
    classes: Mapping[str, tuple[int, ...]]

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

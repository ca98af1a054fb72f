"""The interface of tasks, and the data that a task loads."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from pydantic import model_validator
from torch import Tensor

from harness.core.errors import DataError
from harness.core.inputs import Inputs, input_tensors, map_inputs
from harness.core.label_map import Column, labels_of
from harness.core.outputs import INPUTS, LABELS, Output, Scale
from harness.core.spec import LeafSpec, did_you_mean
from harness.core.transfer import to_device
from harness.data.data_digest import data_digest
from harness.data.reading_ahead import ReadingAhead
from harness.data.sources._base import NO_STEP, AbstractSource
from harness.data.sources.check_source import check_source
from harness.data.task_preprocessing import TaskPreprocessing

__all__ = ["SPLITS", "AbstractTask", "Output", "Scale", "Split", "TaskData", "load_task"]

SPLITS = ("train", "validation", "test")
CHECKED_BYTES = 2**22  # at a time, since a check makes copies
WORTH_WORKERS = 16  # chunks: to start workers takes as long as to read a few


@dataclass(frozen=True)
class Split:
    """Examples. Their labels and targets are in memory, since they decide what is seen; their inputs need not be.

    Attributes:
        inputs: `[N, ...]`, or tensors `[N, ...]` by the names of the network's arguments, such as `input_ids` and
            `attention_mask`, or a source from which they are read.
        labels: `[N]` int64, the class of each example; a training example is used once its class can be seen.
        targets: other targets, by name: classes `[N]` int64, or at each position `[N, T]`, or values `[N, D]` float32.
        features: the outputs of a frozen part of a network for the inputs, by name, `[N, ...]` each.
        stored: of a batch with examples from a memory, what the network answered when they were stored, by output,
            `[N, C]` each; NaN for other examples, and in columns that are newer than the answer.
        new: of such a batch, the number of the other examples, which come first; None if that is not known.
    """

    inputs: Inputs
    labels: Tensor
    targets: Mapping[str, Tensor] = field(default_factory=dict)
    features: Mapping[str, Tensor] = field(default_factory=dict)
    stored: Mapping[str, Tensor] = field(default_factory=dict)
    new: int | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def source(self) -> AbstractSource | None:
        """The source of the inputs; None if they are in memory as a network reads them."""
        return self.inputs if isinstance(self.inputs, AbstractSource) else None

    def take(self, indices: Tensor) -> "Split":
        """Return the examples at `indices` `[B]`, a batch: inputs of a source are read, unless there are features."""
        if self.source is None:
            return self._each(lambda tensor: tensor[indices])
        if self.features:
            return self.part(indices)
        return self.batch(indices, self.source.batch(indices, self.labels.device))

    def batch(self, indices: Tensor, inputs: Inputs) -> "Split":
        """Return the examples at `indices`, whose inputs have been read."""
        device = self.labels.device
        own = indices if indices.device == device else to_device(indices, device)
        return self._each(lambda tensor: tensor[own], inputs)

    def part(self, indices: Tensor) -> "Split":
        """Return the examples at `indices` as data of their own: of a source nothing is read."""
        if self.source is None:
            return self.take(indices)
        return self.batch(indices, self.source.part(indices))

    def chunks(self, size: int) -> Iterator["Split"]:
        """Yield the examples in order, `size` at a time."""
        slices = [slice(start, start + size) for start in range(0, len(self), size)]
        if self.source is None:
            yield from (self._each(lambda tensor, rows=rows: tensor[rows]) for rows in slices)  # type: ignore[misc]
            return
        indices = torch.arange(len(self))
        if self.features:
            yield from (self.part(indices[rows]) for rows in slices)
            return
        workers = None if len(slices) >= WORTH_WORKERS else 0
        asked = ((NO_STEP, indices[rows]) for rows in slices)
        ahead = ReadingAhead(self.source, asked, self.labels.device, workers=workers)
        for rows, inputs in zip(slices, ahead, strict=True):
            yield self._each(lambda tensor, rows=rows: tensor[rows], inputs)  # type: ignore[misc]

    def to(self, device: torch.device) -> "Split":
        """Return the examples on `device`; a source hands its batches there."""
        inputs = None if self.source is None else self.source.to(device)
        return self._each(lambda tensor: tensor.to(device), inputs)

    def _each(self, change: Callable[[Tensor], Tensor], inputs: Inputs = None) -> "Split":
        targets, features, stored = (
            {name: change(tensor) for name, tensor in tensors.items()}
            for tensors in (self.targets, self.features, self.stored)
        )
        inputs = map_inputs(change, self.inputs) if inputs is None else inputs
        return Split(inputs, change(self.labels), targets, features, stored)


@dataclass(frozen=True)
class TaskData:
    """The fixed splits of a task, and the specs of a network's outputs.

    Attributes:
        classes: the classes of each head, as in `AbstractTask`.
        scales: of standardized targets, by the name of the target.
        outputs: the specs of other outputs, as in `AbstractTask`; `load_task` sets it, and `hidden`.
        notes: what whoever uses the data must know, one sentence each.
        digest: of what was read, if whoever loads the data knows it; `load_task` makes it one of all splits.
        groups: `[test examples]` int64, the group of each, such as its recording: how well a network does on examples
            of one group is no independent evidence. None if every example is a group of its own.
    """

    train: Split
    validation: Split
    test: Split
    classes: Mapping[str, tuple[Column, ...]]
    scales: Mapping[str, Scale] = field(default_factory=dict)
    outputs: Mapping[str, Output] = field(default_factory=dict)
    hidden: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    groups: Tensor | None = None
    digest: str = ""

    def to(self, device: torch.device) -> "TaskData":
        """Return the data on `device`."""
        moved = {name: getattr(self, name).to(device) for name in SPLITS}
        return replace(self, **moved)


class AbstractTask(LeafSpec):
    """A data set with fixed splits, and the specs of a network's outputs.

    The first output, of `classes` or else of `outputs`, is the network's own; the others are attached by growths, or
    are entries of the dict that the network returns. A training example is used as soon as some head has a column for
    its class and the class is not hidden.

    Attributes:
        classes: heads that classify labels jointly: by name, the class of each column, or the classes that share a
            column, such as `((0, 2, 4), (1, 3))`.
        outputs: the specs of all other outputs, by name.
        hidden: classes that have a column but are not used before a growth reveals them.
    """

    classes: Mapping[str, tuple[Column, ...]] = {}
    outputs: Mapping[str, Output] = {}
    hidden: tuple[int, ...] = ()

    @property
    def sizes(self) -> dict[str, int]:
        """The number of columns of each output when it is created; the first output is the network's own."""
        heads = {name: len(columns) for name, columns in self.classes.items()}
        return heads | {name: output.columns for name, output in self.outputs.items()}

    @model_validator(mode="after")
    def _every_class_once(self) -> "AbstractTask":
        columns = [labels_of(column) for group in self.classes.values() for column in group]
        labels = [label for column in columns for label in column]
        if len(labels) != len(set(labels)) or min(labels, default=-1 if not self.outputs else 0) < 0:
            raise ValueError(f"expected every class in one head, found {self.classes}")
        if not all(self.classes.values()) or not all(columns):
            raise ValueError(f"expected heads with classes, found {self.classes}")
        if both := self.classes.keys() & self.outputs.keys():
            raise ValueError(f"expected outputs with names that no head has, found {min(both)!r} twice")
        return self

    @property
    def says_all(self) -> bool:
        """Whether the spec says which data are read, as a file's SHA-256 does; not of tasks of one's own."""
        return type(self).__module__.startswith("harness.")

    @abstractmethod
    def load(self, folder: Path | None) -> TaskData:
        """Return the data, on the CPU.

        `folder`, if given, is searched before anything is downloaded.

        Raises:
            DataError: a file is missing and cannot be downloaded, or is not the publisher's.
        """

    def preprocessing_from(self, folder: Path | None) -> TaskPreprocessing | None:
        """Return what `load` does to raw examples, for those who use an exported network; None if it does not say.

        Raises:
            DataError: as `load`.
        """
        del folder
        return None


def load_task(task: AbstractTask, folder: Path | None) -> TaskData:
    """Load `task`, and check its data against the specs of its outputs.

    Raises:
        DataError: they do not fit, or cannot be loaded.
    """
    loaded = task.load(folder)
    if not isinstance(loaded, TaskData):
        raise DataError(f"expected load() of {task.kind!r} to return a TaskData, found {type(loaded).__name__}")
    data = replace(loaded, classes=task.classes, outputs=task.outputs, hidden=task.hidden)
    for name in SPLITS:
        split = getattr(data, name)
        where = f"the {name} data of {task.kind!r}"
        _check_split(split, where)
        for output, described in data.outputs.items():
            _check_target(split, described, described.target_of(output), f"{where} for the output {output!r}")
    _check_groups(data.groups, len(data.test), task.kind)
    if task.says_all:
        return data
    return replace(data, digest=data_digest({name: getattr(data, name) for name in SPLITS}, data.digest))


def _check_groups(groups: Tensor | None, count: int, kind: str) -> None:
    if groups is not None and (groups.dtype != torch.int64 or groups.shape != (count,)):
        found = f"{groups.dtype} {tuple(groups.shape)}"
        raise DataError(f"expected int64 groups ({count},) of the test data of {kind!r}, found {found}; give each one")


def _check_split(split: Split, where: str) -> None:
    if split.source is not None:
        check_source(split.source, where)
    elif (other := _no_tensor(split)) is not None:
        name, value = other
        raise DataError(f"expected tensors in {where}, found {type(value).__name__} as {name!r}; see torch.as_tensor")
    inputs = {} if split.source is not None else input_tensors(split.inputs)
    count = len(split.inputs) if split.source is not None else len(next(iter(inputs.values()), ()))
    if not count:
        raise DataError(f"expected examples in {where}, found none; give it a larger part")
    if len(split.labels) != count:
        found = f"{len(split.labels)} labels and {count} inputs"
        raise DataError(f"expected as many labels as inputs in {where}, found {found}; give each example one of both")
    if split.labels.dtype != torch.int64 or split.labels.shape != (count,):
        found = f"{split.labels.dtype} {tuple(split.labels.shape)}"
        raise DataError(f"expected int64 labels ({count},) in {where}, found {found}; give one class an example")
    for name, tensor in (*inputs.items(), *split.targets.items()):
        if len(tensor) != count:
            raise DataError(f"expected {count} rows of {name!r} in {where}, found {len(tensor)}; give one an example")
        if tensor.is_floating_point() and (row := _first_not_finite(tensor)) is not None:
            raise DataError(f"expected finite {name!r} in {where}, found NaN or infinity in row {row}; clean the data")


def _no_tensor(split: Split) -> tuple[str, object] | None:
    """Return the first part of a split in memory that is no tensor, with its name."""
    inputs = split.inputs if isinstance(split.inputs, Mapping) else {"inputs": split.inputs}
    parts: dict[str, object] = {**inputs, "labels": split.labels, **split.targets}
    return next(((name, value) for name, value in parts.items() if not isinstance(value, Tensor)), None)


def _first_not_finite(tensor: Tensor) -> int | None:
    """Return the first row with a NaN or an infinity."""
    rows = max(CHECKED_BYTES // max(tensor[:1].numel() * tensor.element_size(), 1), 1)
    for start in range(0, len(tensor), rows):
        part = tensor[start : start + rows]
        finite = part.isfinite().reshape(len(part), -1).all(dim=1)
        if not finite.all():
            return start + int((~finite).nonzero()[0])
    return None


def _check_target(split: Split, output: Output, target: str, where: str) -> None:
    if target == INPUTS:
        if not isinstance(given := split.take(torch.arange(1)).inputs, Tensor):
            raise DataError(f"expected inputs that are one tensor in {where}, found {', '.join(given)} by name")
        return
    tensors = {LABELS: split.labels, **split.targets}
    if target not in tensors:
        raise DataError(f"no target {target!r} in {where}.{did_you_mean(target, tensors)}")
    values = tensors[target]
    found = f"{values.dtype} {tuple(values.shape)}"
    if output.kind == "classes":
        if values.dtype != torch.int64 or values.dim() not in (1, 2):
            raise DataError(
                f"expected int64 classes (N,) or (N, positions) as target {target!r} in {where}, found {found}"
            )
        if values.min() < 0 or values.max() >= output.columns:
            extremes = f"{int(values.min())} to {int(values.max())}"
            raise DataError(
                f"expected classes 0 to {output.columns - 1} as target {target!r} in {where}, found {extremes}"
            )
    elif not values.is_floating_point() or values.dim() != 2 or values.shape[1] < output.columns:
        raise DataError(f"expected float values (N, {output.columns}) as target {target!r} in {where}, found {found}")
    elif output.kind == "binary" and not (values.min() >= 0 and values.max() <= 1):
        raise DataError(f"expected values in [0, 1] as target {target!r} in {where}, found others; scale them")

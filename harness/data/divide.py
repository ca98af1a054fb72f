"""Data of one's own, divided into three parts."""

from collections.abc import Mapping

from torch import Tensor

from harness.core.label_map import Column
from harness.core.outputs import Scale
from harness.data._base import Split, TaskData
from harness.data.parts import Parts

__all__ = ["divide"]


def divide(
    everything: Split,
    parts: Parts,
    classes: Mapping[str, tuple[Column, ...]],
    *,
    groups: Tensor | None = None,
    scales: Mapping[str, Scale] | None = None,
) -> TaskData:
    """Return the training, validation and test parts of `everything`; inputs of a source are not read.

    Args:
        everything: all examples.
        parts: how they are divided.
        classes: of the task.
        groups: `[N]` int64, the group of each example, such as its patient: a group is never divided.
        scales: of standardized targets, by name.

    Raises:
        DataError: a part would be empty.
    """
    indices = parts.divide(everything.labels, groups)
    train, validation, test = map(everything.part, indices)
    tested = None if groups is None else groups[indices[-1]]
    return TaskData(train, validation, test, classes, scales or {}, groups=tested)

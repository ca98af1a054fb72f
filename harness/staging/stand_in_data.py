"""Data of the same shapes as a task's: enough to build a network anew where the data are not.

Growths learn sizes from examples, and where a network's layers lie in its computation. For that any values serve.
"""

from collections.abc import Mapping
from itertools import cycle, islice
from typing import Any

import torch
from torch import Tensor

from harness.core.label_map import labels_of
from harness.core.seeding import generator
from harness.data import AbstractTask, Split, TaskData

__all__ = ["sketch_of", "stand_in_data"]

EXAMPLES = 64
Sketch = Mapping[str, Any]


def sketch_of(data: TaskData) -> dict[str, Any]:
    """Return, as JSON, shape and type of an example's inputs and targets."""
    batch = data.train.take(torch.arange(1))
    inputs = batch.inputs
    return {
        "inputs": _sketch(inputs)
        if isinstance(inputs, Tensor)
        else {name: _sketch(one) for name, one in inputs.items()},
        "targets": {name: _sketch(one) for name, one in batch.targets.items()},
    }


def stand_in_data(sketch: Sketch, task: AbstractTask) -> TaskData:
    """Return data of `task` with the shapes of `sketch`, in which every class is seen."""
    labels = [label for columns in task.classes.values() for column in columns for label in labels_of(column)]
    inputs = sketch["inputs"]
    split = Split(
        _drawn(inputs) if isinstance(inputs, list) else {name: _drawn(one) for name, one in inputs.items()},
        torch.tensor(list(islice(cycle(labels or [0]), EXAMPLES))),
        {name: torch.zeros_like(_drawn(one)) for name, one in sketch["targets"].items()},
    )
    return TaskData(split, split, split, task.classes, outputs=task.outputs, hidden=task.hidden)


def _sketch(tensor: Tensor) -> list[Any]:
    return [str(tensor.dtype).removeprefix("torch."), *tensor.shape[1:]]


def _drawn(sketch: list[Any]) -> Tensor:
    """Return numbers between 0.5 and 1.5, which no logarithm or division minds, or ones: a token, or nothing masked."""
    kind, *shape = sketch
    dtype = getattr(torch, kind)
    if not dtype.is_floating_point:
        return torch.ones(EXAMPLES, *shape, dtype=dtype)
    return (torch.rand(EXAMPLES, *shape, generator=generator(0, "stand-in")) + 0.5).to(dtype)

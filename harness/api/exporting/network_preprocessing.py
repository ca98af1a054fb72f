"""How raw examples become a network's inputs, and what its outputs predict, after all growths."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harness.api.exporting.raw_example import raw_example
from harness.core.errors import HarnessError, SpecError
from harness.core.inputs import input_tensors
from harness.core.label_map import LabelMap
from harness.core.output_specs import OutputSpecs
from harness.core.outputs import LABELS
from harness.data import AbstractTask, TaskData
from harness.data.preprocessing import Prediction, Preprocessing, RawArray, RawInputs, RawTexts
from harness.data.task_preprocessing import TaskPreprocessing

__all__ = ["network_preprocessing"]


def network_preprocessing(
    task: AbstractTask,
    data: TaskData,
    specs: OutputSpecs,
    inputs: Any,
    outputs: Mapping[str, Tensor],
    folder: Path | None,
) -> Preprocessing:
    """Return what stands between raw examples, a network and predictions in words and units of the data.

    Args:
        task: of the run.
        data: that it loads.
        specs: of the network's outputs after all growths.
        inputs: of some test examples.
        outputs: of the network for them.
        folder: with data.

    Raises:
        DataError: the task cannot read its data.
        SpecError: a task of one's own makes other inputs than it says.
    """
    told = _told(task, folder)
    raw = told.inputs or _normalized(data)
    if isinstance(raw, RawTexts):
        raw = replace(raw, length=inputs["input_ids"].shape[1])  # the fixed length of an exported program
    _check(raw, inputs, task.kind)
    return Preprocessing(raw, [*_of_labels(specs.label_map, told, outputs), *_of_others(specs, told, outputs)])


def _told(task: AbstractTask, folder: Path | None) -> TaskPreprocessing:
    try:
        told = task.preprocessing_from(folder)
    except HarnessError:
        raise
    except Exception as error:  # noqa: BLE001  # the user's code may raise anything
        said = f"{type(error).__name__}: {' '.join(str(error).split()):.200}"
        raise SpecError(f"preprocessing_from() of {task.kind!r} fails with {said}") from None
    if told is not None and not isinstance(told, TaskPreprocessing):
        found = type(told).__name__
        raise SpecError(f"expected preprocessing_from() of {task.kind!r} to return TaskPreprocessing, found {found}")
    return told or TaskPreprocessing()


def _normalized(data: TaskData) -> RawInputs | None:
    """Return what a source says of itself that normalizes what is stored."""
    source = data.test.source
    if source is None or source.normalize is None:
        return None
    stored, by = source.read(torch.arange(1)), source.normalize
    shape, dtype = tuple(stored.shape[1:]), str(stored.dtype).removeprefix("torch.")
    return RawArray(shape, dtype, shape, scale=by.scale, mean=by.mean, std=by.std)


def _check(raw: RawInputs | None, inputs: Any, kind: str) -> None:
    if raw is None:
        return
    try:
        made = _sketch(raw.inputs(raw_example(raw), torch))
    except (ValueError, RuntimeError, TypeError, AttributeError) as error:
        made = f"{type(error).__name__}: {' '.join(str(error).split()):.200}"
    if made != (expected := _sketch(inputs)):
        raise SpecError(f"expected preprocessing_from() of {kind!r} to make inputs {expected}, found {made}")


def _sketch(inputs: Any) -> str:
    tensors = input_tensors(inputs)
    return ", ".join(f"{name} {tensor.dtype} {list(tensor.shape[1:])}" for name, tensor in sorted(tensors.items()))


def _of_labels(labels: LabelMap, told: TaskPreprocessing, outputs: Mapping[str, Tensor]) -> Iterator[Prediction]:
    """Yield what all heads together say of an example's label."""
    columns: list[list[Any]] = [[None] * size for size in labels.sizes]
    names = told.class_names.get(LABELS, ())
    for label in (labels.head >= 0).nonzero().squeeze(1).tolist():
        head, within = int(labels.head[label]), int(labels.within[label])
        chosen = labels.chosen[head]
        own, index = columns[head], within if chosen is None else int(chosen[within])
        name = _name(names, label)
        own[index] = name if own[index] is None else f"{own[index]} or {name}"
    if labels.heads and outputs.keys() >= set(labels.heads):
        yield Prediction("class" if told.label in outputs else told.label, "classes", labels.heads, columns)


def _of_others(specs: OutputSpecs, told: TaskPreprocessing, outputs: Mapping[str, Tensor]) -> Iterator[Prediction]:
    """Yield what each other output says; reconstructed inputs are left out."""
    for name, output in specs.outputs.items():
        if name not in outputs or output.kind == "inputs":
            continue
        target, width = output.target_of(name), outputs[name].shape[-1]
        if output.kind == "classes":
            names = [_name(told.class_names.get(target, ()), index) for index in range(width)]
            yield Prediction(name, output.kind, (name,), [names])
        else:
            own = [list(told.columns[target])[:width]] if target in told.columns else ()
            scale = specs.scale(name)
            unit = output.unit or scale.unit
            yield Prediction(name, output.kind, (name,), own, scale.mean, scale.std, unit)


def _name(names: Any, index: int) -> str | int:
    return str(names[index]) if index < len(names) else index

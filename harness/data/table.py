"""A table of one's own: a CSV or Parquet file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field, FiniteFloat, model_validator
from torch import Tensor
from torch.nn import functional

from harness.core.errors import DataError
from harness.core.outputs import LABELS
from harness.data._base import AbstractTask, Scale, Split, TaskData
from harness.data.absent_classes import absent_classes
from harness.data.columns import Columns, read_columns
from harness.data.own_file import Sha256, find_own_file
from harness.data.parts import Parts
from harness.data.preprocessing import RawColumn, RawRows
from harness.data.standardize import is_constant, scale_of
from harness.data.task_preprocessing import TaskPreprocessing

__all__ = ["Table"]

Fill = FiniteFloat | Annotated[str, Field(min_length=1)]
STATISTICS = ("mean", "median")
Names = Annotated[tuple[str, ...], Field(min_length=1)]


class Table(AbstractTask):
    """Inputs `[D]`: columns in the given order, a categorical one as a 0 or 1 for each of its sorted values.

    Attributes:
        path: of the file, `.csv` or `.parquet`, below HARNESS_DATA_DIR or the folder in which the command runs.
        sha256: of the file; a changed file is refused, and another SHA-256 is another task. A study file that calls
            `sha256_of(path)` accepts any file at that path; one with the digest as text accepts only these data.
        inputs: columns.
        categorical: the inputs that are categories, not numbers.
        label: the column of classes; without one, the class of every example is 0.
        targets: columns of other targets by name: one column of classes for an output of classes, else numbers.
        class_names: by column, the texts for the classes 0, 1, ... where a column of classes has texts.
        standardize: whether numbers get mean 0 and variance 1 in the training part: each input column, and each target
            of values as a whole, whose errors are still given in its own unit. What is constant keeps its variance.
        parts: how the rows are divided.
        delimiter: between the fields of a CSV file.
        decimal: what stands before the fractions of numbers in a CSV file; in quotes, it may be the delimiter.
        fill: by input, what stands for its empty fields: mean or median of the training part, or a number; in one of
            categories, any text, such as `unknown`.
        missing: texts, such as `NA`, with which a field of those inputs is empty as well.
    """

    later: ClassVar[tuple[str, ...]] = ("decimal", "fill", "missing")

    kind: Literal["table"] = "table"
    path: str
    sha256: Sha256
    inputs: Names
    categorical: tuple[str, ...] = ()
    label: str | None = None
    targets: Mapping[str, Names] = {}
    class_names: Mapping[str, Names] = {}
    standardize: bool = True
    parts: Parts = Parts()
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    decimal: Literal[".", ","] = "."
    fill: Mapping[str, Fill] = {}
    missing: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _columns_fit_together(self) -> "Table":
        predicted = {name for columns in self.targets.values() for name in columns} | {self.label}
        if leaked := [name for name in self.inputs if name in predicted]:
            raise ValueError(f"expected inputs apart from label and targets, found {leaked[0]!r} in both")
        if len(set(self.inputs)) < len(self.inputs):
            raise ValueError(f"expected every input once, found {self.inputs}")
        if strange := set(self.categorical) - set(self.inputs):
            raise ValueError(f"expected categorical columns among the inputs, found {min(strange)!r}")
        if strange := self.fill.keys() - set(self.inputs):
            raise ValueError(f"expected fill of inputs, found {min(strange)!r}")
        if self.missing and not self.fill:
            raise ValueError(f"expected fill, which says what stands for {self.missing[0]!r}; found none")
        if strange := self.class_names.keys() - predicted:
            raise ValueError(f"expected class_names of the label or a target, found {min(strange)!r}")
        if self.classes and self.label is None:
            raise ValueError("expected a label, the column that says which class a row is of; found none")
        if many := [name for name in self._class_targets if len(self.targets.get(name, ())) > 1]:
            raise ValueError(f"expected one column for the target {many[0]!r}, which is of classes")
        return self

    @model_validator(mode="after")
    def _fill_fits(self) -> "Table":
        for name, by in self.fill.items():
            is_text = isinstance(by, str) and by not in STATISTICS
            if name in self.categorical and not is_text:
                raise ValueError(f'expected a category as fill of {name!r}, such as "unknown", found {by!r}')
            if name not in self.categorical and is_text:
                raise ValueError(f"expected mean, median or a number as fill of {name!r}, found {by!r}")
        return self

    def load(self, folder: Path | None) -> TaskData:
        """Return the data. Raises `DataError` at the first fault, with its column and row."""
        return self._data(*self._read(folder))

    def preprocessing_from(self, folder: Path | None) -> TaskPreprocessing:
        """Return how rows become inputs, with the numbers of the training part."""
        columns, _, _, (training, *_) = self._read(folder)
        inputs = [self._column(columns, name, training) for name in self.inputs]
        names = {name: self.class_names.get(own[0], ()) for name, own in self.targets.items()}
        return TaskPreprocessing(
            RawRows(inputs, self.delimiter, self.decimal, self.missing),
            label=self.label or "label",
            class_names={**names, LABELS: self.class_names.get(self.label or "", ())},
            columns=self.targets,
        )

    def _read(self, folder: Path | None) -> tuple[Columns, Tensor, Tensor | None, list[Tensor]]:
        """Return the columns, the label and the group of each row, and the rows of each part."""
        path = find_own_file(self.path, self.sha256, folder)
        columns = read_columns(path, self._names, delimiter=self.delimiter, decimal=self.decimal)
        if self.label or self.targets:  # without either, rows that are filled may be examples
            columns = columns.without_empty_rows()
        labels = self._classes_in(columns, self.label) if self.label else torch.zeros(len(columns)).long()
        groups = columns.categories(self.parts.group) if self.parts.group else None
        indices = self.parts.divide(labels, groups)
        return columns, labels, groups, indices

    def _data(self, columns: Columns, labels: Tensor, groups: Tensor | None, indices: list[Tensor]) -> TaskData:
        training = indices[0]
        inputs = torch.cat([self._input(columns, name, training) for name in self.inputs], dim=1)
        targets = {name: self._target(columns, name) for name in self.targets}
        scales = {
            name: scale_of(targets[name][training], max(map(columns.resolution, self.targets[name])))
            for name in self._standardized
        }
        scaled = {name: (targets[name] - scale.mean) / scale.std for name, scale in scales.items()}
        stored = {name: _in_32_bits(values) for name, values in (targets | scaled).items()}
        everything = Split(inputs.float(), labels, stored)
        train, validation, test = map(everything.take, indices)
        tested, notes = None if groups is None else groups[indices[-1]], self._notes(columns, labels, indices)
        return TaskData(train, validation, test, self.classes, scales, notes=notes, groups=tested)

    @property
    def _names(self) -> list[str]:
        """All columns that are read."""
        targets = [name for columns in self.targets.values() for name in columns]
        return [*self.inputs, *targets, *filter(None, (self.label, self.parts.group))]

    @property
    def _class_targets(self) -> set[str]:
        return {output.target_of(name) for name, output in self.outputs.items() if output.kind == "classes"}

    @property
    def _standardized(self) -> list[str]:
        """The targets that every output with that target predicts as values."""
        others = {output.target_of(name) for name, output in self.outputs.items() if output.kind != "values"}
        return [name for name in self.targets if self.standardize and name not in others]

    def _classes_in(self, columns: Columns, name: str) -> Tensor:
        return columns.classes(name, self.class_names.get(name, ()))

    def _input(self, columns: Columns, name: str, training: Tensor) -> Tensor:
        """Return a column as inputs `[N, 1]`, or `[N, K]` with K values that are categories."""
        if name in self.categorical:
            fill = str(self.fill.get(name, ""))
            return functional.one_hot(columns.categories(name, fill=fill, empty=self.missing)).double()
        numbers = self._numbers(columns, name, training)
        scale = self._scale(columns, name, numbers, training)
        return ((numbers - scale.mean) / scale.std)[:, None]

    def _column(self, columns: Columns, name: str, training: Tensor) -> RawColumn:
        """Return what `_input` does to a column."""
        if name in self.categorical:
            fill = str(self.fill.get(name, ""))
            texts = columns.texts(name, fill=fill, empty=self.missing)
            return RawColumn(name, categories=sorted(set(texts)), fill=fill or None)
        numbers = self._numbers(columns, name, training)
        scale = self._scale(columns, name, numbers, training)
        filling = self._filling(columns, name, self._stored(columns, name), training)
        return RawColumn(name, scale.mean, scale.std, fill=filling)

    def _scale(self, columns: Columns, name: str, numbers: Tensor, training: Tensor) -> Scale:
        """Return by what a column of numbers is standardized."""
        return scale_of(numbers[training], columns.resolution(name)) if self.standardize else Scale(0.0, 1.0)

    def _numbers(self, columns: Columns, name: str, training: Tensor) -> Tensor:
        """Return a column of numbers, float64 `[N]`; what stands for empty fields is not looked up in other parts."""
        numbers = self._stored(columns, name)
        filling = self._filling(columns, name, numbers, training)
        return numbers if filling is None else numbers.nan_to_num(nan=filling)

    def _stored(self, columns: Columns, name: str) -> Tensor:
        """Return a column of numbers, NaN for empty fields if something stands for them."""
        return columns.numbers(name, empty=("", *self.missing)) if name in self.fill else columns.numbers(name)

    def _filling(self, columns: Columns, name: str, numbers: Tensor, training: Tensor) -> float | None:
        """Return what stands for the NaN among `numbers`, by those of the training part; None if there are none."""
        if name not in self.fill:
            return None
        by = self.fill[name]
        known = numbers[training][~numbers[training].isnan()]
        if not len(known):
            raise DataError(f"expected a number in the training part of column {name!r} of {columns.path}, found none")
        if isinstance(by, float):
            return by
        return float(np.mean(known.numpy()) if by == "mean" else np.median(known.numpy()))

    def _notes(self, columns: Columns, labels: Tensor, parts: Sequence[Tensor]) -> tuple[str, ...]:
        """Say which rows and columns are of no use, and which classes are not in every part."""
        notes = absent_classes(self.classes, labels, parts, self.class_names.get(self.label or "", ()))
        if constant := self._constant(columns, parts[0]):
            where = f"in the training part of {columns.path}"
            notes.append(f"constant {where}, and so divided by 1 to be standardized: {', '.join(constant)}")
        if passed_over := columns.passed_over:
            notes.append(
                f"rows of {columns.path} that are empty in all columns read, and so passed over: {passed_over}"
            )
        return tuple(notes)

    def _constant(self, columns: Columns, training: Tensor) -> list[str]:
        """Name the columns that are not standardized because they are constant."""
        targets = [self.targets[name][0] for name in self._standardized if len(self.targets[name]) == 1]
        inputs = [name for name in self.inputs if name not in self.categorical] if self.standardize else []
        return [
            repr(name)
            for name in (*inputs, *targets)
            if is_constant(self._numbers(columns, name, training)[training], columns.resolution(name))
        ]

    def _target(self, columns: Columns, name: str) -> Tensor:
        """Return a target as classes `[N]` or float64 values `[N, D]`."""
        if name in self._class_targets:
            return self._classes_in(columns, self.targets[name][0])
        return torch.stack([columns.numbers(column) for column in self.targets[name]], dim=1)


def _in_32_bits(values: Tensor) -> Tensor:
    return values.float() if values.is_floating_point() else values

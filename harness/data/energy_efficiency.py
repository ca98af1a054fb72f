"""Energy efficiency: 768 simulated buildings with their heating and cooling loads."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import torch
from pydantic import field_validator
from torch import Tensor

from harness.core.errors import DataError
from harness.core.spec import did_you_mean
from harness.data._base import AbstractTask, Output, Scale, Split, TaskData
from harness.data.download import PublishedFile, fetch
from harness.data.preprocessing import RawColumn, RawRows
from harness.data.splits import grouped_split, stratified_split
from harness.data.task_preprocessing import TaskPreprocessing
from harness.data.xlsx import read_sheet

__all__ = ["EnergyEfficiency"]

FILE = PublishedFile(
    url="https://archive.ics.uci.edu/ml/machine-learning-databases/00242/ENB2012_data.xlsx",
    sha256="0089fcffc1415e41e2ff63730cca5280efe54fc43d722dfde1b0aaa808e35dc4",
    folder="energy-efficiency",
)
# Compactness, area of surface, walls and roof (m2), height (m), orientation, area of glass (fraction of the floor's),
# and how it is distributed. The first five are the shape.
INPUTS, SHAPE = ("X1", "X2", "X3", "X4", "X5", "X6", "X7", "X8"), 5
TARGETS = {"heating": "Y1", "cooling": "Y2"}
UNIT = "kWh/m2"
FRACTIONS = (0.6, 0.2, 0.2)


class EnergyEfficiency(AbstractTask):
    """Inputs `[8]` and the targets `heating` and `cooling` `[N, 1]`, the loads of a building in a year.

    All are standardized by the training part; errors are given in kWh/m2. There are no classes: every label is 0, so
    all examples are used from the beginning.

    There are 12 shapes of buildings, each with 64 combinations of orientation and glass. If rows are divided, as is
    usual, the shapes of the test part also occur in training: a random forest has an error of 0.6 to 0.9 kWh/m2 for
    heating. If shapes are divided, its error is 1.4 to 9.8, depending on the shapes in the test part.

    Source: Tsanas and Xifara (2012), Energy and Buildings 49, doi:10.1016/j.enbuild.2012.03.003.

    Attributes:
        divided_by: the unit that is never split between parts: a row, or all rows of a shape.
        split_seed: of the division; the same in all runs of a study.
    """

    kind: Literal["energy_efficiency"] = "energy_efficiency"
    divided_by: Literal["row", "shape"] = "row"
    split_seed: int = 0

    @field_validator("outputs")
    @classmethod
    def _in_its_unit(cls, outputs: Mapping[str, Output]) -> Mapping[str, Output]:
        """Set the unit of every output of a target, so that it can be read from the spec alone."""
        given = {name: output for name, output in outputs.items() if output.target_of(name) in TARGETS}
        return {**outputs, **{name: output.model_copy(update={"unit": UNIT}) for name, output in given.items()}}

    def load(self, folder: Path | None) -> TaskData:
        """Return the data, from `folder` or the publisher. Raises `DataError`."""
        columns, features, shapes, parts = self._read(folder)
        training = parts[0]
        labels = torch.zeros(len(features), dtype=torch.int64)
        inputs = (features - features[training].mean(0)) / features[training].std(0)
        values = {name: columns[column][:, None] for name, column in TARGETS.items()}
        scales = {name: Scale(v[training].mean().item(), v[training].std().item(), UNIT) for name, v in values.items()}
        targets = {name: ((values[name] - scale.mean) / scale.std).float() for name, scale in scales.items()}
        everything = Split(inputs.float(), labels, targets)
        train, validation, test = map(everything.take, parts)
        tested = None if shapes is None else shapes[parts[-1]]
        return TaskData(train, validation, test, self.classes, scales, groups=tested)

    def preprocessing_from(self, folder: Path | None) -> TaskPreprocessing:
        """Return how rows of the publisher's table become inputs. Raises `DataError`."""
        _, features, _, (training, *_) = self._read(folder)
        mean, std = features[training].mean(0).tolist(), features[training].std(0).tolist()
        columns = [RawColumn(*column) for column in zip(INPUTS, mean, std, strict=True)]
        return TaskPreprocessing(RawRows(columns), columns={name: (column,) for name, column in TARGETS.items()})

    def _read(self, folder: Path | None) -> tuple[dict[str, Tensor], Tensor, Tensor | None, list[Tensor]]:
        """Return the columns by name, the features, the shape of each row if shapes are divided, and the parts."""
        columns = _columns(fetch(FILE, folder))
        features = torch.stack([columns[name] for name in INPUTS], dim=1)
        labels = torch.zeros(len(features), dtype=torch.int64)
        shapes = features[:, :SHAPE].unique(dim=0, return_inverse=True)[1] if self.divided_by == "shape" else None
        return columns, features, shapes, _parts(labels, shapes, self.split_seed)


def _parts(labels: Tensor, shapes: Tensor | None, seed: int) -> list[Tensor]:
    if shapes is None:
        return stratified_split(labels, FRACTIONS, seed=seed)
    return grouped_split(labels, shapes, FRACTIONS, seed=seed)


def _columns(path: Path) -> dict[str, Tensor]:
    columns = read_sheet(path)
    for name in (*INPUTS, *TARGETS.values()):
        if name not in columns:
            raise DataError(f"no column {name!r} in {path}.{did_you_mean(name, columns)}")
    return columns

"""Letter recognition: 20,000 printed capitals in many fonts, 16 numbers each, 26 classes."""

from pathlib import Path
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from harness.core.errors import DataError
from harness.core.outputs import LABELS
from harness.data._base import AbstractTask, Split, TaskData
from harness.data.download import PublishedFile, fetch
from harness.data.preprocessing import RawColumn, RawRows
from harness.data.splits import stratified_split
from harness.data.task_preprocessing import TaskPreprocessing

__all__ = ["Letters"]

FILE = PublishedFile(
    url="https://archive.ics.uci.edu/ml/machine-learning-databases/letter-recognition/letter-recognition.data",
    sha256="2b89f3602cf768d3c8355267d2f13f2417809e101fc2b5ceee10db19a60de6e2",
    folder="letter-recognition",
)
ROWS, TEST_FROM, COLUMNS, GREATEST = 20_000, 16_000, 16, 15
# As the publisher describes them, in order.
FEATURES = (
    "x-box", "y-box", "width", "high", "onpix", "x-bar", "y-bar", "x2bar", "y2bar", "xybar", "x2ybr", "xy2br", "x-ege",
    "xegvy", "y-ege", "yegvx",
)  # fmt: skip
CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Letters(AbstractTask):
    """Inputs `[16]`, standardized by the training part; A is the class 0, Z the class 25.

    The first 16,000 rows train and validate, a fifth of each letter validates; the last 4,000 rows test, as is usual.

    Source: Slate (1991), Letter Recognition, UCI Machine Learning Repository, doi:10.24432/C5ZP40.

    Attributes:
        letters: the number of letters, from A on; examples of the others are left out of every part.
    """

    kind: Literal["letters"] = "letters"
    letters: Annotated[int, Field(ge=1, le=26)] = 26
    split_seed: int = 0

    def load(self, folder: Path | None) -> TaskData:
        """Return the data, from `folder` or the publisher. Raises `DataError`."""
        features, labels, (train, validation, test) = self._parts(folder)
        inputs = (features - features[train].mean(dim=0)) / features[train].std(dim=0)
        everything = Split(inputs, labels)
        return TaskData(everything.take(train), everything.take(validation), everything.take(test), self.classes)

    def preprocessing_from(self, folder: Path | None) -> TaskPreprocessing:
        """Return how the publisher's 16 numbers, by their names, become inputs. Raises `DataError`."""
        features, _, (train, *_) = self._parts(folder)
        mean, std = features[train].mean(dim=0).tolist(), features[train].std(dim=0).tolist()
        columns = [RawColumn(*column) for column in zip(FEATURES, mean, std, strict=True)]
        return TaskPreprocessing(RawRows(columns, single=True), label="letter", class_names={LABELS: CAPITALS})

    def _parts(self, folder: Path | None) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor, Tensor]]:
        """Return all features and labels, and which examples train, validate and test."""
        features, labels = _read(fetch(FILE, folder))
        wanted = (labels < self.letters).nonzero().squeeze(1)
        known, test = wanted[wanted < TEST_FROM], wanted[wanted >= TEST_FROM]
        parts = stratified_split(labels[known], (4 / 5, 1 / 5), seed=self.split_seed)
        train, validation = (known[part] for part in parts)
        return features, labels, (train, validation, test)


def _read(path: Path) -> tuple[Tensor, Tensor]:
    """Return the features `[20000, 16]` and the classes `[20000]` in `path`. Raises `DataError`."""
    # A byte that is no ASCII becomes one that is neither a capital nor a digit, and its line is named.
    lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    if len(lines) != ROWS:
        raise DataError(f"expected {ROWS} lines in {path}, found {len(lines)}; get the publisher's file again")
    rows = [_row(line, f"line {number} of {path}") for number, line in enumerate(lines, start=1)]
    table = torch.tensor(rows)
    return table[:, 1:].float(), table[:, 0]


def _row(line: str, where: str) -> list[int]:
    letter, *numbers = line.split(",")
    if len(numbers) != COLUMNS:
        raise DataError(f"expected a letter and {COLUMNS} numbers in {where}, found {line[:60]!r}; replace the file")
    if len(letter) != 1 or letter not in CAPITALS:
        raise DataError(f"expected a letter A to Z first in {where}, found {letter[:20]!r}; replace the file")
    for number in numbers:
        if not (number.isascii() and number.isdigit() and len(number) <= 2 and int(number) <= GREATEST):
            raise DataError(
                f"expected whole numbers 0 to {GREATEST} in {where}, found {number[:20]!r}; replace the file"
            )
    return [CAPITALS.index(letter), *map(int, numbers)]

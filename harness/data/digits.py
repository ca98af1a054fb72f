"""The 8 x 8 handwritten digits that scikit-learn carries: 1,797 examples, 10 classes."""

from importlib.metadata import distribution
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from harness.data._base import AbstractTask, Split, TaskData
from harness.data.preprocessing import RawArray
from harness.data.splits import stratified_split
from harness.data.task_preprocessing import TaskPreprocessing

__all__ = ["Digits"]


class Digits(AbstractTask):
    """Inputs `[64]` in `[0, 1]`; half of the examples train, a fifth validates, the rest tests.

    Source: Alpaydin and Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine Learning Repository,
    doi:10.24432/C50P49; the copy that scikit-learn carries.
    """

    kind: Literal["digits"] = "digits"
    split_seed: int = 0

    def load(self, folder: Path | None) -> TaskData:  # noqa: ARG002  # nothing to look for: the package carries it
        """Return the data; nothing is downloaded."""
        rows = _rows()
        everything = Split(rows[:, :64].float() / 16, rows[:, 64].long())
        train, validation, test = (
            everything.take(part) for part in stratified_split(everything.labels, (0.5, 0.2, 0.3), seed=self.split_seed)
        )
        return TaskData(train, validation, test, self.classes)

    def preprocessing_from(self, folder: Path | None) -> TaskPreprocessing:  # noqa: ARG002  # as in `load`
        """Return how pixels from 0 to 16 become inputs."""
        return TaskPreprocessing(RawArray((64,), "uint8", (64,), scale=16.0), label="digit")


def _rows() -> Tensor:
    """Return `[1797, 65]`: 64 pixels from 0 to 16, and the digit.

    From the file that scikit-learn's `load_digits` reads: to import scikit-learn takes every process a second.
    """
    file = distribution("scikit-learn").locate_file("sklearn/datasets/data/digits.csv.gz")
    return torch.from_numpy(np.loadtxt(str(file), delimiter=","))

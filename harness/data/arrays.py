"""Arrays of one's own: an .npz or .safetensors file."""

import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from harness.core.errors import DataError
from harness.core.spec import did_you_mean
from harness.data._base import AbstractTask, Split, TaskData
from harness.data.own_file import Sha256, find_own_file
from harness.data.parts import Parts

__all__ = ["Arrays"]


class Arrays(AbstractTask):
    """Inputs of any shape, taken as they are; row i of every array is of example i. Pickles are not read.

    Attributes:
        path: of the file, `.npz` or `.safetensors`, below HARNESS_DATA_DIR or the folder in which the command runs.
        sha256: of the file, as in `Table`: changed data are noticed, and another SHA-256 is another task.
        inputs: the array `[N, ...]` of inputs, of whole or real numbers; they become float32.
        label: the array `[N]` of classes, whole numbers; None: every example is of the class 0.
        targets: arrays of other targets, classes `[N]` or values `[N]` or `[N, D]`.
        parts: how the examples are divided.
    """

    kind: Literal["arrays"] = "arrays"
    path: str
    sha256: Sha256
    inputs: str = "inputs"
    label: str | None = "labels"
    targets: tuple[str, ...] = ()
    parts: Parts = Parts()

    def load(self, folder: Path | None) -> TaskData:
        """Return the data. Raises `DataError` at the first fault, with the array's name."""
        path = find_own_file(self.path, self.sha256, folder)
        named = {self.inputs, *self.targets, *filter(None, (self.label, self.parts.group))}
        arrays = _read(path, sorted(named))
        _check(arrays, self.inputs, path)
        inputs = arrays[self.inputs].float()
        labels = _classes(arrays[self.label], self.label, path) if self.label else torch.zeros(len(inputs)).long()
        targets = {name: _target(arrays[name], name, path) for name in self.targets}
        groups = _classes(arrays[self.parts.group], self.parts.group, path) if self.parts.group else None
        everything = Split(inputs, labels, targets)
        indices = self.parts.divide(labels, groups)
        train, validation, test = map(everything.take, indices)
        tested = None if groups is None else groups[indices[-1]]
        return TaskData(train, validation, test, self.classes, groups=tested)


def _read(path: Path, names: Iterable[str]) -> dict[str, Tensor]:
    readers = {".npz": _read_npz, ".safetensors": _read_safetensors}
    if path.suffix not in readers:
        raise DataError(f"expected arrays in a file that ends in .npz or .safetensors, found {path}")
    try:
        return readers[path.suffix](path, names)
    except (zipfile.BadZipFile, zlib.error, SafetensorError, EOFError, OSError, ValueError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"expected plain arrays of numbers in {path}, found what cannot be read: {reason}") from None


def _read_npz(path: Path, names: Iterable[str]) -> dict[str, Tensor]:
    with zipfile.ZipFile(path):  # else numpy would take other files for what they are
        pass
    with np.load(path, allow_pickle=False) as file:
        _check_names(path, names, file.files)
        return {name: torch.from_numpy(_of_this_machine(file[name])) for name in names}


def _read_safetensors(path: Path, names: Iterable[str]) -> dict[str, Tensor]:
    with safe_open(path, framework="pt") as file:
        _check_names(path, names, list(file.keys()))
        return {name: file.get_tensor(name) for name in names}


def _check_names(path: Path, names: Iterable[str], present: list[str]) -> None:
    for name in names:
        if name not in present:
            raise DataError(f"no array {name!r} in {path}.{did_you_mean(name, present)}")


def _of_this_machine(array: np.ndarray) -> np.ndarray:
    """Return an array in the machine's byte order; torch knows no other."""
    return array.astype(array.dtype.newbyteorder("="))


def _check(arrays: dict[str, Tensor], inputs: str, path: Path) -> None:
    rows = arrays[inputs].shape[:1]  # none of a single number
    for name in dict.fromkeys([inputs, *arrays]):
        array = arrays[name]
        if array.is_complex() or not array.dim() or array.shape[:1] != rows:
            found = f"{array.dtype} {tuple(array.shape)}{'' if array.dim() else ', a single number'}"
            count = f"{rows[0]} rows" if rows else "rows, one an example,"
            raise DataError(f"expected numbers in {count} of {name!r} in {path}, found {found}")
        if array.is_floating_point() and not array.isfinite().all():
            row = int((~array.isfinite()).reshape(len(array), -1).any(1).nonzero()[0])
            raise DataError(f"expected finite numbers in {name!r} of {path}, found NaN or infinity in row {row + 1}")


def _classes(array: Tensor, name: str, path: Path) -> Tensor:
    if array.is_floating_point() or array.dim() != 1:
        found = f"{array.dtype} {tuple(array.shape)}"
        raise DataError(f"expected whole numbers (N,) in {name!r} of {path}, found {found}")
    classes = array.long()
    if len(wrong := (classes < 0).nonzero()):
        row = int(wrong[0])
        raise DataError(f"expected numbers from 0 on in {name!r} of {path}, found {classes[row]} in row {row + 1}")
    return classes


def _target(array: Tensor, name: str, path: Path) -> Tensor:
    """Return classes `[N]` as int64, and values as float32 `[N, D]`."""
    if not array.is_floating_point():
        return _classes(array, name, path)
    return array.float().reshape(len(array), -1)

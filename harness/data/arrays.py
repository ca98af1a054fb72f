"""Arrays of one's own: an .npz or .safetensors file."""

import lzma
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from harness.core.errors import DataError
from harness.core.inputs import Inputs
from harness.core.spec import did_you_mean
from harness.data._base import AbstractTask, Split, TaskData
from harness.data.normalize import Normalize
from harness.data.npy_header import read_npy_header
from harness.data.own_file import Sha256, find_own_file
from harness.data.parts import Parts
from harness.data.preprocessing import RawArray
from harness.data.sources import InMemory, SafetensorsFile
from harness.data.stored_array import StoredArray, divided, stored_array
from harness.data.task_preprocessing import TaskPreprocessing

__all__ = ["Arrays"]

# By numpy's letter for a kind of type.
TEXTS = "texts; np.unique(texts, return_inverse=True)[1] are numbers of classes"
NO_NUMBERS = {
    **dict.fromkeys("SU", TEXTS),
    "M": "dates; give the days since one",
    "O": "Python objects; give arrays of one shape",
    "V": "rows of named fields; give an array of each",
}
# What a damaged or made-up file raises: a RuntimeError if it is encrypted, say, or claims to be larger than memory.
FAULTS = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, SafetensorError, EOFError, OSError, ValueError, TypeError,
    RuntimeError, MemoryError,
)  # fmt: skip


class Arrays(AbstractTask):
    """Inputs of any shape, taken as they are; row i of every array is of example i. Pickles are not read.

    Attributes:
        path: of the file, `.npz` or `.safetensors`, below HARNESS_DATA_DIR or the folder in which the command runs.
        sha256: of the file, as in `Table`: changed data are noticed, and another SHA-256 is another task.
        inputs: the array `[N, ...]` of inputs, of whole or real numbers; they become float32.
        normalize: computed from inputs on the device; with it they are kept in the type in which they are stored.
        in_memory: whether inputs are held in memory; if not, each batch is read from the file, a `.safetensors` file.
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
    normalize: Normalize | None = None
    in_memory: bool = True

    later = ("normalize", "in_memory")

    def load(self, folder: Path | None) -> TaskData:
        """Return the data. Raises `DataError` at the first fault, with the array's name."""
        path = find_own_file(self.path, self.sha256, folder)
        others = {*self.targets, *filter(None, (self.label, self.parts.group))}
        with _in_words(path):
            arrays = _read(path, sorted(others), self.inputs)
            stored = stored_array(path, self.inputs)
        _check({self.inputs: stored.like} | arrays, self.inputs, path)
        count = len(stored.like)
        labels = _classes(arrays[self.label], self.label, path) if self.label else torch.zeros(count).long()
        targets = {name: _target(arrays[name], name, path) for name in self.targets}
        groups = _classes(arrays[self.parts.group], self.parts.group, path) if self.parts.group else None
        indices = self.parts.divide(labels, groups)
        with _in_words(path):
            inputs = self._inputs(stored, indices, path)
        train, validation, test = (
            Split(own, labels[rows], {name: values[rows] for name, values in targets.items()})
            for own, rows in zip(inputs, indices, strict=True)
        )
        tested = None if groups is None else groups[indices[-1]]
        return TaskData(train, validation, test, self.classes, groups=tested)

    def preprocessing_from(self, folder: Path | None) -> TaskPreprocessing:
        """Return how a row of the array becomes an input. Raises `DataError`."""
        path = find_own_file(self.path, self.sha256, folder)
        with _in_words(path):
            like = stored_array(path, self.inputs).like
        shape, normalize = tuple(like.shape[1:]), self.normalize or Normalize()
        dtype = "float32" if like.is_floating_point() else str(like.dtype).removeprefix("torch.")
        numbers = RawArray(shape, dtype, shape, scale=normalize.scale, mean=normalize.mean, std=normalize.std)
        return TaskPreprocessing(numbers, label=self.label or "label")

    def _inputs(self, stored: StoredArray, indices: Sequence[Tensor], path: Path) -> list[Inputs]:
        """Return the inputs of each part."""
        if not self.in_memory:
            if path.suffix != ".safetensors":
                raise DataError(
                    f"expected a .safetensors file to read batches from, found {path}; or say in_memory=True"
                )
            source = SafetensorsFile(path, self.inputs, normalize=self.normalize, digest=self.sha256)
            return [source.part(rows) for rows in indices]
        checked = StoredArray(stored.like, lambda: _finite(stored, self.inputs, path))
        if self.normalize is None:
            return list(divided(checked, indices, torch.float32))
        normalize = self.normalize
        return [InMemory(part, normalize) for part in divided(checked, indices, stored.like.dtype)]


def _finite(stored: StoredArray, name: str, path: Path) -> Iterator[Tensor]:
    """Yield the rows of an array as long as they are finite."""
    start = 0
    for chunk in stored.chunks():
        _check_finite(chunk, name, path, start)
        yield chunk
        start += len(chunk)


def _read(path: Path, names: Iterable[str], inputs: str) -> dict[str, Tensor]:
    """Return arrays as tensors; that of the inputs is only looked for."""
    readers = {".npz": _read_npz, ".safetensors": _read_safetensors}
    if path.suffix not in readers:
        raise DataError(f"expected arrays in a file that ends in .npz or .safetensors, found {path}")
    return readers[path.suffix](path, names, inputs)


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """Say in a line what is wrong with a file. Raises `DataError`."""
    try:
        yield
    except FAULTS as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"expected plain arrays of numbers in {path}, found what cannot be read: {reason}") from None


def _read_npz(path: Path, names: Iterable[str], inputs: str) -> dict[str, Tensor]:
    with zipfile.ZipFile(path):  # else numpy would take other files for what they are
        pass
    with np.load(path, allow_pickle=False) as file:
        _check_names(path, [*names, inputs], file.files)
        _check_kinds(path, [*names, inputs])
        return {name: torch.from_numpy(_of_this_machine(file[name])) for name in names}


def _read_safetensors(path: Path, names: Iterable[str], inputs: str) -> dict[str, Tensor]:
    with safe_open(path, framework="pt") as file:
        _check_names(path, [*names, inputs], list(file.keys()))
        return {name: file.get_tensor(name) for name in names}


def _check_names(path: Path, names: Iterable[str], present: list[str]) -> None:
    for name in names:
        if name not in present:
            raise DataError(f"no array {name!r} in {path}.{did_you_mean(name, present)}")


def _check_kinds(path: Path, names: Iterable[str]) -> None:
    """Refuse arrays of what is no number, before torch is given them."""
    with zipfile.ZipFile(path) as archive:
        for name in names:
            with archive.open(f"{name}.npy") as stream:
                _, _, dtype = read_npy_header(stream)
            if what := NO_NUMBERS.get(dtype.kind):
                raise DataError(f"expected numbers in {name!r} of {path}, found {what}")


def _of_this_machine(array: np.ndarray) -> np.ndarray:
    """Return an array in the machine's byte order; torch knows no other."""
    return array.astype(array.dtype.newbyteorder("="))


def _check(arrays: dict[str, Tensor], inputs: str, path: Path) -> None:
    rows = arrays[inputs].shape[:1]  # none of a single number
    for name in dict.fromkeys([inputs, *arrays]):
        array = arrays[name]
        if array.is_complex():
            raise DataError(f"expected real numbers in {name!r} of {path}, found {array.dtype}; give two columns")
        if not array.dim():
            raise DataError(f"expected rows, one an example, in {name!r} of {path}, found a single number")
        if array.shape[:1] != rows:
            found = f"{rows[0]} in {inputs!r} and {len(array)} in {name!r}"
            raise DataError(f"expected as many rows in all arrays of {path}, one an example, found {found}")
        if not array.is_meta:
            _check_finite(array, name, path, 0)


def _check_finite(array: Tensor, name: str, path: Path, start: int) -> None:
    if array.is_floating_point() and not array.isfinite().all():
        row = start + int((~array.isfinite()).reshape(len(array), -1).any(1).nonzero()[0])
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

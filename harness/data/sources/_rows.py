"""Rows of one size that lie in a file one after the other."""

import os
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from harness.core.errors import DataError
from harness.core.inputs import Inputs
from harness.data.normalize import Normalize
from harness.data.sources._base import AbstractSource
from harness.data.sources.digests import digest_of_file

__all__ = ["RowsInFile"]


class RowsInFile(AbstractSource):
    """An array `[N, ...]` that stays in its file: what is read of it takes memory, and nothing else.

    Rows are read by their position rather than mapped into memory, so that limits of memory hold, and so that a file on
    a server is read in as many requests as there are rows.

    Args:
        path: of the file.
        dtype: of the numbers in it.
        shape: `[N, ...]`.
        offset: of the first row, in bytes.
        stride: from one row to the next, in bytes; a row follows the other unless given.
        normalize: of what is read.
        workers: processes that read ahead.
        digest: of the content; by default that of `digest_of_file`.
    """

    def __init__(
        self,
        path: str | Path,
        dtype: np.dtype,
        shape: tuple[int, ...],
        *,
        offset: int = 0,
        stride: int | None = None,
        normalize: Normalize | None = None,
        workers: int = 0,
        digest: str | None = None,
    ) -> None:
        self.path, self.dtype, self.shape = Path(path), dtype, shape
        self.normalize, self.workers = normalize, workers
        self._digest = digest
        self._row_bytes = dtype.itemsize * int(np.prod(shape[1:], dtype=np.int64))
        self._offset, self._stride = offset, self._row_bytes if stride is None else stride
        size, needed = _size(self.path), offset + max(shape[0] - 1, 0) * self._stride + self._row_bytes
        if size < needed:
            raise DataError(
                f"expected {shape[0]:,} rows of {self._row_bytes:,} bytes in {path}, which take {needed:,}, found "
                f"{size:,} bytes; the file is cut short, or its type or shape is another"
            )

    def __len__(self) -> int:
        return self.shape[0]

    def read(self, indices: Tensor) -> Inputs:
        """Return rows of the file."""
        rows = np.empty((len(indices), *self.shape[1:]), self.dtype)
        if not self._row_bytes or not len(rows):
            return torch.from_numpy(rows.astype(self.dtype.newbyteorder("=")))
        asked, size = indices.tolist(), self._row_bytes
        view = memoryview(rows.reshape(-1).view(np.uint8))  # type: ignore[arg-type]  # arrays are buffers
        if self._stride == size and asked == list(range(asked[0], asked[0] + len(asked))):
            self._fill(view, asked[0])
        else:
            for place, index in enumerate(asked):
                self._fill(view[place * size : (place + 1) * size], index)
        return torch.from_numpy(rows.astype(self.dtype.newbyteorder("="), copy=False))

    @cached_property
    def digest(self) -> str:
        """A digest of the file, and of what is read of it."""
        content = self._digest or digest_of_file(self.path)
        return f"{content} {self.dtype.str} {self.shape} {self._offset} {self._stride} {self.normalize!r}"

    def _fill(self, buffer: memoryview, row: int) -> None:
        position = self._offset + row * self._stride
        while len(buffer):
            count = os.preadv(self._file, [buffer], position)
            if not count:
                raise DataError(f"expected row {row} in {self.path}, found its end; the file was cut short meanwhile")
            buffer, position = buffer[count:], position + count

    @cached_property
    def _file(self) -> int:
        return os.open(self.path, os.O_RDONLY)  # workers that are forked read by position, and so may share it

    def __del__(self) -> None:
        if "_file" in vars(self):
            os.close(self._file)

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in vars(self).items() if name != "_file"}


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise DataError(f"expected a data file at {path}, found none that can be read ({error.strerror})") from None

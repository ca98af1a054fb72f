"""A file of nothing but numbers."""

from pathlib import Path
from typing import Any

import numpy as np

from harness.core.errors import DataError
from harness.data.sources._rows import RowsInFile

__all__ = ["RawFile"]


class RawFile(RowsInFile):
    """An array `[N, ...]` that a file holds without saying so, such as one written by `numpy.ndarray.tofile`.

    Args:
        path: of the file.
        dtype: of its numbers, as numpy names it: `uint8`, `float32`, `>i4`.
        shape: of one row, `[...]`; the file's size says how many there are.
        offset: bytes before the first row.
        settings: `normalize`, `workers` and `digest`, as in `NpyFile`.
    """

    def __init__(
        self, path: str | Path, dtype: str, shape: tuple[int, ...] = (), *, offset: int = 0, **settings: Any
    ) -> None:
        kind = np.dtype(dtype)
        row, found = kind.itemsize * int(np.prod(shape, dtype=np.int64)), Path(path)
        rest = (found.stat().st_size if found.is_file() else offset) - offset
        if not row or rest % row:
            raise DataError(f"expected rows of {row:,} bytes in {path}, found {rest:,} bytes, no multiple of that")
        super().__init__(path, kind, (rest // row, *shape), offset=offset, **settings)

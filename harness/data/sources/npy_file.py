"""An array in a `.npy` file."""

from pathlib import Path
from typing import Any

import numpy as np

from harness.core.errors import DataError
from harness.data.sources._rows import RowsInFile

__all__ = ["NpyFile"]


class NpyFile(RowsInFile):
    """An array `[N, ...]` that `numpy.save` wrote; it may be far larger than memory.

    Args:
        path: of the file.
        settings: `normalize`, what is computed from rows on the device; `workers`, processes that read ahead; `digest`,
            of the content, if it is known: by default that of `digest_of_file`, of samples if the file is large.
    """

    def __init__(self, path: str | Path, **settings: Any) -> None:
        try:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            reason = str(error).partition("\n")[0]
            raise DataError(f"expected an array in {path}, as numpy.save writes it, found none: {reason}") from None
        if not isinstance(array, np.memmap) or array.dtype.hasobject or not array.ndim:
            raise DataError(f"expected an array of rows in {path}, found another file; save one with numpy.save")
        if array.ndim > 1 and not array.flags.c_contiguous and array.size:
            raise DataError(
                f"expected rows one after the other in {path}, found columns; save numpy.ascontiguousarray(...)"
            )
        super().__init__(path, array.dtype, array.shape, offset=array.offset, **settings)

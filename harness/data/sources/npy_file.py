"""An array in a `.npy` file."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness.core.errors import DataError
from harness.data.npy_header import read_npy_header
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
            with Path(path).open("rb") as stream:
                shape, by_columns, dtype = read_npy_header(stream)
                offset = stream.tell()
        except (OSError, ValueError, EOFError) as error:
            reason = str(error).partition("\n")[0]
            raise DataError(f"expected an array in {path}, as numpy.save writes it, found none: {reason}") from None
        if not _is_known(dtype) or not shape:
            raise DataError(f"expected an array of rows of numbers in {path}, found {dtype} {shape}")
        if by_columns and len(shape) > 1:
            raise DataError(
                f"expected rows one after the other in {path}, found columns; save numpy.ascontiguousarray(...)"
            )
        super().__init__(path, dtype, shape, offset=offset, **settings)


def _is_known(dtype: np.dtype) -> bool:
    """Return whether torch has numbers of this type."""
    try:
        torch.from_numpy(np.empty(0, dtype.newbyteorder("=")))
    except TypeError:
        return False
    return True

"""What a `.npy` file says of its array, without mapping the file into memory."""

import math
import warnings
from tokenize import TokenError
from typing import IO

import numpy as np

__all__ = ["read_npy_header"]

MOST_BYTES = 2**62


def read_npy_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Return shape, whether it is stored by columns, and the type of numbers; the array begins where the stream stands.

    Raises:
        ValueError: it is no such file.
    """
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    try:
        with warnings.catch_warnings(action="ignore"):  # of Python 2, as which a damaged header is read once more
            shape, by_columns, dtype = read(stream)
    except (SyntaxError, TokenError, MemoryError, RecursionError):
        raise ValueError("its header describes no array") from None
    if min(shape, default=0) < 0 or math.prod(size or 1 for size in shape) * max(dtype.itemsize, 1) > MOST_BYTES:
        raise ValueError(f"its header describes an array of the shape {shape}")
    return shape, by_columns, dtype

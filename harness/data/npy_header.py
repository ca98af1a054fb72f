"""What a `.npy` file says of its array, without mapping the file into memory."""

from typing import IO

import numpy as np

__all__ = ["read_npy_header"]


def read_npy_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Return shape, whether it is stored by columns, and the type of numbers; the array begins where the stream stands.

    Raises:
        ValueError: it is no such file.
    """
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(stream)

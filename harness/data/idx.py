"""The IDX format of the MNIST family: a big-endian header, then unsigned bytes."""

import gzip
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from harness.core.errors import DataError

__all__ = ["read_idx"]

UNSIGNED_BYTE = 0x08


def read_idx(path: Path) -> Tensor:
    """Read a gzip-compressed IDX file of unsigned bytes into a uint8 tensor of the shape in its header.

    Raises:
        DataError: the file is no such file, or shorter than its header says.
    """
    try:
        content = gzip.decompress(path.read_bytes())
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"expected a gzip file at {path}, found something else ({error})") from None
    if len(content) < 4 or content[:3] != bytes([0, 0, UNSIGNED_BYTE]):
        raise DataError(f"expected an IDX file of unsigned bytes at {path}, found the header {content[:4].hex()}")
    dimensions = content[3]
    if len(content) < 4 + 4 * dimensions:
        raise DataError(f"expected {dimensions} sizes in the header of {path}, found {len(content)} bytes in all")
    shape = np.frombuffer(content, dtype=">u4", count=dimensions, offset=4).astype(int).tolist()
    values = np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * dimensions)
    if values.size != np.prod(shape):
        raise DataError(f"expected {np.prod(shape)} bytes of data in {path}, found {values.size}")
    return torch.from_numpy(values.reshape(shape).copy())

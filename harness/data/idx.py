"""The IDX format of the MNIST family: a big-endian header, then unsigned bytes."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from harness.core.errors import DataError

__all__ = ["read_idx"]

UNSIGNED_BYTE = 0x08
MOST_DIMENSIONS = 32
GREATEST_BYTES = 2**28  # of the family, the largest has 47 MB


def read_idx(path: Path) -> Tensor:
    """Read a gzip-compressed IDX file of unsigned bytes into a uint8 tensor of the shape in its header.

    Raises:
        DataError: the file is no such file, or shorter than its header says.
    """
    try:
        with gzip.open(path) as stream:
            content = stream.read(GREATEST_BYTES + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"expected a gzip file at {path}, found something else ({error})") from None
    if len(content) > GREATEST_BYTES:
        raise DataError(f"expected at most {GREATEST_BYTES:,} bytes in {path}, found more; replace the file")
    if len(content) < 4 or content[:3] != bytes([0, 0, UNSIGNED_BYTE]):
        raise DataError(f"expected an IDX file of unsigned bytes at {path}, found the header {content[:4].hex()}")
    dimensions = content[3]
    if len(content) < 4 + 4 * dimensions:
        raise DataError(f"expected {dimensions} sizes in the header of {path}, found {len(content)} bytes in all")
    shape = np.frombuffer(content, dtype=">u4", count=dimensions, offset=4).astype(int).tolist()
    values = np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * dimensions)
    if values.size != math.prod(shape) or math.prod(filter(None, shape)) > GREATEST_BYTES:
        raise DataError(f"expected {math.prod(shape)} bytes of data in {path}, found {values.size}")
    if dimensions > MOST_DIMENSIONS:
        raise DataError(f"expected at most {MOST_DIMENSIONS} sizes in the header of {path}, found {dimensions}")
    return torch.from_numpy(values.reshape(shape).copy())

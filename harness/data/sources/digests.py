"""Digests of data: of all of them, or of samples where they are too large to be read for that."""

import functools
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from harness.core.errors import DataError
from harness.core.inputs import Inputs, input_tensors

__all__ = ["WHOLE_BYTES", "digest_of_file", "digest_of_files", "digest_of_inputs", "digest_of_tensor"]

WHOLE_BYTES = 2**28  # up to which a file is read as a whole: a second at most
SAMPLES, SAMPLE_BYTES = 256, 2**16


def digest_of_file(path: str | Path) -> str:
    """Return a digest of the content of the file at `path`: of all of it up to 256 MB, else of its size and samples.

    Samples are 256 blocks of 64 kB at equal distances, the first and the last one among them.

    Raises:
        DataError: there is no such file, or it cannot be read.
    """
    try:
        known = Path(path).stat()
        return _digest(Path(path).absolute(), known.st_size, known.st_mtime_ns)
    except OSError as error:
        raise DataError(f"expected a data file at {path}, found none that can be read ({error.strerror})") from None


def digest_of_files(root: Path, paths: Iterable[str]) -> str:
    """Return a digest of the names and sizes of files below `root`, and of the content of up to 256 of them."""
    total, names = hashlib.sha256(), list(paths)
    chosen = set(np.linspace(0, len(names) - 1, SAMPLES).astype(int).tolist())
    for number, name in enumerate(names):
        total.update(f"{name} {(root / name).stat().st_size} ".encode())
        if number in chosen:
            total.update(digest_of_file(root / name).encode())
    return total.hexdigest()


def digest_of_inputs(inputs: Inputs) -> str:
    """Return a digest of the names, shapes and values of a batch."""
    parts = [f"{name} {digest_of_tensor(tensor)}" for name, tensor in input_tensors(inputs).items()]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()


def digest_of_tensor(tensor: Tensor) -> str:
    """Return a digest of the type, shape and values of `tensor`; of samples of them, as of a file, if it is large."""
    total = hashlib.sha256(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
    content = memoryview(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())  # type: ignore[arg-type]
    for start, end in _blocks(len(content)):
        total.update(content[start:end])
    return total.hexdigest()


def _blocks(size: int) -> list[tuple[int, int]]:
    """Return where the parts begin and end of which a digest is taken."""
    if size <= WHOLE_BYTES:
        return [(0, size)]
    starts = np.linspace(0, size - SAMPLE_BYTES, SAMPLES).astype(int).tolist()
    return [(start, start + SAMPLE_BYTES) for start in starts]


@functools.lru_cache(maxsize=256)
def _digest(path: Path, size: int, _changed: int) -> str:
    total = hashlib.sha256(str(size).encode())
    with path.open("rb") as stream:
        if size <= WHOLE_BYTES:
            for block in iter(functools.partial(stream.read, 2**20), b""):
                total.update(block)
        else:
            for start, _ in _blocks(size):
                total.update(os.pread(stream.fileno(), SAMPLE_BYTES, start))
    return total.hexdigest()

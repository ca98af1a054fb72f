"""One array of a file, read a few rows at a time."""

import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor

from harness.data.npy_header import read_npy_header
from harness.data.sources.safetensors_file import READABLE, SafetensorsFile

__all__ = ["StoredArray", "divided", "stored_array"]

CHUNK_BYTES = 2**22


@dataclass(frozen=True)
class StoredArray:
    """An array `[N, ...]` in a file.

    Attributes:
        like: a tensor of its type and shape without values.
        chunks: yields its rows in order, some at a time.
    """

    like: Tensor
    chunks: Callable[[], Iterator[Tensor]]


def stored_array(path: Path, name: str) -> StoredArray:
    """Return the array `name` of an `.npz` or `.safetensors` file. Errors are those of the libraries that read it."""
    return _of_npz(path, name) if path.suffix == ".npz" else _of_safetensors(path, name)


def divided(array: StoredArray, parts: Sequence[Tensor], dtype: torch.dtype) -> list[Tensor]:
    """Return the rows at each of `parts` as tensors of `dtype`, without a second copy of all.

    Args:
        array: `[N, ...]`.
        parts: indices, each row in exactly one.
        dtype: of the tensors.
    """
    shape = array.like.shape
    tensors = [torch.empty((len(rows), *shape[1:]), dtype=dtype) for rows in parts]
    part_of, place = torch.empty(shape[0], dtype=torch.int8), torch.empty(shape[0], dtype=torch.int64)
    for number, rows in enumerate(parts):
        part_of[rows], place[rows] = number, torch.arange(len(rows))
    start = 0
    for chunk in array.chunks():
        here = slice(start, start + len(chunk))
        for number, tensor in enumerate(tensors):
            own = (part_of[here] == number).nonzero().squeeze(1)
            tensor[place[here][own]] = chunk[own].to(dtype)
        start += len(chunk)
    return tensors


def _of_safetensors(path: Path, name: str) -> StoredArray:
    with safe_open(path, framework="pt") as file:
        view = file.get_slice(name)
        shape = tuple(view.get_shape())
        one = view[:1] if shape and shape[0] else file.get_tensor(name)
        if not shape or not one.numel() or view.get_dtype() not in READABLE:
            whole = file.get_tensor(name)
            return StoredArray(torch.empty_like(whole, device="meta"), lambda: iter([whole]))
    rows = SafetensorsFile(path, name)  # not mapped into memory, where pages that were read would stay

    def chunks() -> Iterator[Tensor]:
        for start, end in _ranges(shape, one.element_size()):
            yield rows.read(torch.arange(start, end))

    return StoredArray(torch.empty(shape, dtype=one.dtype, device="meta"), chunks)


def _of_npz(path: Path, name: str) -> StoredArray:
    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as stream:
        shape, by_columns, dtype = read_npy_header(stream)
    if by_columns or dtype.hasobject or dtype.kind not in "biufc":
        with np.load(path, allow_pickle=False) as file:
            whole = torch.from_numpy(np.ascontiguousarray(file[name].astype(dtype.newbyteorder("="))))
        return StoredArray(torch.empty_like(whole, device="meta"), lambda: iter([whole]))

    def chunks() -> Iterator[Tensor]:
        with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as stream:
            read_npy_header(stream)
            for start, end in _ranges(shape, dtype.itemsize):
                size = (end - start) * dtype.itemsize * int(np.prod(shape[1:], dtype=np.int64))
                rows = np.frombuffer(bytearray(stream.read(size)), dtype).reshape(end - start, *shape[1:])
                yield torch.from_numpy(rows.astype(dtype.newbyteorder("="), copy=False))
            stream.read()  # to the end, where the checksum is compared

    one = torch.from_numpy(np.empty((0,), dtype.newbyteorder("=")))
    return StoredArray(torch.empty(shape, dtype=one.dtype, device="meta"), chunks)


def _ranges(shape: tuple[int, ...], item_bytes: int) -> Iterator[tuple[int, int]]:
    rows = max(CHUNK_BYTES // max(item_bytes * int(np.prod(shape[1:], dtype=np.int64)), 1), 1)
    yield from ((start, min(start + rows, shape[0])) for start in range(0, shape[0], rows))

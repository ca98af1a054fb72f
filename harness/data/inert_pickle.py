"""Read a pickle of plain values and arrays of bytes, without running anything that it asks for.

A pickle names functions that are called while it is read. Here no name leads to a function: what a file may name is
replaced by objects that only remember their arguments, and every other name is refused.
"""

import pickle
import pickletools
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from harness.core.errors import DataError

__all__ = ["bytes_array", "read_pickle"]

ARRAY, NDARRAY, DTYPE = "numpy.core.multiarray._reconstruct", "numpy.ndarray", "numpy.dtype"
MEMORIES = ("PUT", "BINPUT", "LONG_BINPUT")
# What a damaged or made-up pickle raises, besides its own error.
FAULTS = (
    pickle.UnpicklingError,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ImportError,
    MemoryError,
    OverflowError,
)


class _Inert:
    """Something that a file names: its arguments and its state, and no behavior."""

    __slots__ = ("arguments", "name", "state")

    def __init__(self, name: str, arguments: tuple[Any, ...] = ()) -> None:
        self.name = name
        self.arguments = arguments
        self.state: Any = None

    def __call__(self, *arguments: Any) -> "_Inert":
        return _Inert(self.name, arguments)

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _InertUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        full = f"{module}.{name}"
        if full not in (ARRAY, NDARRAY, DTYPE):
            raise pickle.UnpicklingError(f"it asks for {full}, which no data need")
        return _Inert(full)


def read_pickle(path: Path) -> Any:
    """Return the value in the file: dicts, lists, bytes, texts, numbers, and arrays for `bytes_array`.

    Texts that Python 2 wrote are bytes.

    Raises:
        DataError: it is no pickle, or asks for anything else than arrays.
    """
    with path.open("rb") as stream:
        return _load(stream, path)


def bytes_array(value: Any) -> Tensor:
    """Return an array that `read_pickle` found, `[...]` uint8. Raises `ValueError` if it is none."""
    if not (isinstance(value, _Inert) and value.name == ARRAY):
        raise ValueError(f"expected an array, found {type(value).__name__}")
    try:
        _, shape, dtype, by_columns, content = value.state
        kind = dtype.arguments[0]
    except (TypeError, ValueError, AttributeError, IndexError):
        raise ValueError("expected an array with a shape, a type and bytes") from None
    if kind not in (b"u1", "u1") or not isinstance(content, bytes):
        raise ValueError(f"expected an array of unsigned bytes, found {kind!r}")
    try:
        # A copy, for bytes cannot be changed.
        values = np.frombuffer(bytearray(content), dtype=np.uint8).reshape(shape, order="F" if by_columns else "C")
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"expected a shape for {len(content)} bytes, found {shape!r:.60}") from None
    return torch.from_numpy(values)


def _load(stream: BinaryIO, path: Path) -> Any:
    try:
        _check_memory(stream)
        return _InertUnpickler(stream, encoding="bytes").load()
    except FAULTS as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise DataError(f"expected a pickle of plain data at {path}, found none that can be read: {reason}") from None


def _check_memory(stream: BinaryIO) -> None:
    """Refuse a pickle that numbers what it remembers far beyond what it holds: each number up to it takes memory."""
    content = stream.read()
    for operation, argument, _ in pickletools.genops(content):
        if operation.name in MEMORIES and (argument or 0) > len(content):
            raise pickle.UnpicklingError(f"it remembers {argument} things in {len(content)} bytes")
    stream.seek(0)

"""A tensor in a `.safetensors` file."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from harness.core.errors import DataError
from harness.core.spec import did_you_mean
from harness.data.sources._rows import RowsInFile

__all__ = ["READABLE", "SafetensorsFile"]

LENGTH_BYTES, LONGEST_HEADER, MOST = 8, 10**8, 2**48
READABLE = {
    "BOOL": "bool", "U8": "uint8", "I8": "int8", "I16": "<i2", "U16": "<u2", "I32": "<i4", "U32": "<u4", "I64": "<i8",
    "U64": "<u8", "F16": "<f2", "F32": "<f4", "F64": "<f8",
}  # fmt: skip


class SafetensorsFile(RowsInFile):
    """The tensor `[N, ...]` called `name` in a file of tensors.

    Args:
        path: of the file.
        name: of the tensor.
        settings: `normalize`, `workers` and `digest`, as in `NpyFile`.
    """

    def __init__(self, path: str | Path, name: str, **settings: Any) -> None:
        start, header = _header(Path(path))
        header.pop("__metadata__", None)
        if name not in header:
            raise DataError(f"no tensor {name!r} in {path}.{did_you_mean(name, header)}")
        stored, shape, offset = _described(header[name], name, path)
        if stored not in READABLE or not shape:
            raise DataError(
                f"expected rows of a type that numpy has as {name!r} in {path}, found {stored} {list(shape)}"
            )
        super().__init__(path, np.dtype(READABLE[stored]), shape, offset=start + offset, **settings)


def _header(path: Path) -> tuple[int, dict[str, Any]]:
    """Return where the tensors begin, and what the file says of each."""
    try:
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(LENGTH_BYTES), "little")
            header = json.loads(stream.read(length)) if length < LONGEST_HEADER else None
    except (OSError, ValueError, RecursionError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"expected a file of tensors at {path}, found what cannot be read: {reason}") from None
    if not isinstance(header, dict):
        raise DataError(f"expected a file of tensors at {path}, found another file")
    return LENGTH_BYTES + length, header


def _described(about: Any, name: str, path: str | Path) -> tuple[str, tuple[int, ...], int]:
    """Return type, shape, and where a tensor begins among the others."""
    try:
        numbers = [*about["shape"], *about["data_offsets"]]
        if all(type(number) is int and 0 <= number <= MOST for number in numbers) and len(about["data_offsets"]) == 2:
            return str(about["dtype"]), tuple(about["shape"]), about["data_offsets"][0]
    except (KeyError, TypeError):
        pass
    raise DataError(f"expected type, shape and place of the tensor {name!r} in {path}, found {about!r:.60}")

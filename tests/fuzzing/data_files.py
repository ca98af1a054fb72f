"""Readers of files of data: tables, arrays, workbooks, images, pickles."""

import gzip
import hashlib
import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from pyarrow import parquet
from safetensors.numpy import save

from harness.data import Arrays, Table
from harness.data._base import AbstractTask
from harness.data.cifar100 import CLASSES
from harness.data.idx import read_idx
from harness.data.inert_pickle import bytes_array, read_pickle
from harness.data.parts import Parts
from harness.data.sources import ArrowFile, NpyFile, SafetensorsFile
from harness.data.xlsx import SHARED_TEXTS, SHEET, read_sheet
from tests.fuzzing.damage import bytes_damaged, gzip_damaged, zip_damaged
from tests.fuzzing.parser import Parser

__all__ = ["DATA_FILES"]

SPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
CELLS = "".join(
    f'<row><c r="A{row}" t="{"s" if row == 1 else "n"}"><v>{row - 1}</v></c>'
    f'<c r="B{row}" t="str"><v>{row}.5</v></c></row>'
    for row in range(1, 6)
)
PARTS = Parts()
ROWS = 20
COLUMNS: dict[str, Any] = {
    "x": [row / 7 for row in range(ROWS)],
    "color": ["red" if row % 3 else "blue" for row in range(ROWS)],
    "y": [row % 2 for row in range(ROWS)],
}
ARRAYS: dict[str, np.ndarray] = {
    "inputs": np.arange(4 * ROWS, dtype=np.float32).reshape(ROWS, 4),
    "labels": np.arange(ROWS) % 2,
}
# As Python 2 and numpy 1 wrote {"data": an array of bytes [2, 3], "labels": [1, 2]}.
PYTHON_2 = (
    b"\x80\x02}(U\x04datacnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR(K\x01K\x02K\x03\x86"
    b"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR\x89U\x06\x00\x01\x02\x03\x04\x05tbU\x06labels](K\x01K\x02eu."
)


def _task(name: str, made: Callable[[str, str], AbstractTask]) -> Callable[[bytes, Path], object]:
    """Return what loads a task from a file of that name."""

    def read(content: bytes, folder: Path) -> object:
        (folder / name).write_bytes(content)
        return made(name, hashlib.sha256(content).hexdigest()).load(folder)

    return read


def _file(name: str, read: Callable[[Path], object]) -> Callable[[bytes, Path], object]:
    def written(content: bytes, folder: Path) -> object:
        (folder / name).write_bytes(content)
        return read(folder / name)

    return written


def _table(name: str, sha256: str) -> AbstractTask:
    return Table(
        path=name,
        sha256=sha256,
        inputs=("x", "color"),
        categorical=("color",),
        label="y",
        classes={"class": (0, 1)},
        parts=PARTS,
    )


def _arrays(name: str, sha256: str) -> AbstractTask:
    return Arrays(path=name, sha256=sha256, classes={"class": (0, 1)}, parts=PARTS)


def _csv(_: Path) -> list[bytes]:
    rows = zip(*COLUMNS.values(), strict=True)
    return ["\n".join([",".join(COLUMNS), *(",".join(map(str, row)) for row in rows)]).encode()]


def _parquet(_: Path) -> list[bytes]:
    made = []
    for compression in ("none", "snappy", "zstd"):
        stream = io.BytesIO()
        parquet.write_table(pa.table(COLUMNS), stream, compression=compression)
        made.append(stream.getvalue())
    return made


def _arrow(_: Path) -> list[bytes]:
    stream, table = io.BytesIO(), pa.table(COLUMNS | {"many": [[row, 1] for row in range(ROWS)]})
    with pa.ipc.new_file(stream, table.schema) as writer:
        writer.write_table(table)
    return [stream.getvalue()]


def _npz(_: Path) -> list[bytes]:
    plain, compressed = io.BytesIO(), io.BytesIO()
    np.savez(plain, inputs=ARRAYS["inputs"], labels=ARRAYS["labels"])
    np.savez_compressed(compressed, inputs=ARRAYS["inputs"], labels=ARRAYS["labels"])
    return [plain.getvalue(), compressed.getvalue()]


def _npy(_: Path) -> list[bytes]:
    made = []
    for array in (ARRAYS["inputs"], np.zeros((3, 0), "<i2"), np.ones((2, 2, 2), ">f8")):
        stream = io.BytesIO()
        np.save(stream, array)
        made.append(stream.getvalue())
    return made


def _workbook(_: Path) -> list[bytes]:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr(SHARED_TEXTS, f"<sst {SPACE}><si><t>width</t></si></sst>")
        book.writestr(SHEET, f"<worksheet {SPACE}><sheetData>{CELLS}</sheetData></worksheet>")
    return [stream.getvalue()]


def _idx(_: Path) -> list[bytes]:
    shape = b"".join(size.to_bytes(4, "big") for size in (2, 3, 4))
    return [gzip.compress(b"\0\0\x08\x03" + shape + bytes(range(24)), mtime=0)]


def _pickles(_: Path) -> list[bytes]:
    plain = {"labels": [1, 2, 300, 2**40], "more": (1.5, "a", None, {"b": True})}
    return [*(pickle.dumps(plain, protocol=protocol) for protocol in range(5)), PYTHON_2]


def _unpickled(path: Path) -> object:
    found = read_pickle(path)
    try:
        return bytes_array(found[b"data"]).shape if isinstance(found, dict) and b"data" in found else len(CLASSES)
    except ValueError:  # as it says
        return None


def _rows(path: Path) -> object:
    source = NpyFile(path) if path.suffix == ".npy" else SafetensorsFile(path, "inputs")
    return source.read(torch.arange(min(len(source), 3)))


def _items(path: Path) -> object:
    source = ArrowFile(path, ["x", "many"])
    return [source.item(index) for index in range(min(len(source), 3))]


DATA_FILES = {
    "csv": Parser(_csv, _task("t.csv", _table)),
    "parquet": Parser(_parquet, _task("t.parquet", _table)),
    "npz": Parser(_npz, _task("a.npz", _arrays), (bytes_damaged, zip_damaged)),
    "safetensors": Parser(lambda _: [save(ARRAYS)], _task("a.safetensors", _arrays)),
    "rows of safetensors": Parser(lambda _: [save(ARRAYS)], _file("a.safetensors", _rows)),
    "rows of npy": Parser(_npy, _file("a.npy", _rows)),
    "arrow": Parser(_arrow, _file("a.arrow", _items)),
    "workbook": Parser(_workbook, _file("w.xlsx", read_sheet), (bytes_damaged, zip_damaged)),
    "idx": Parser(_idx, _file("i.gz", read_idx), (bytes_damaged, gzip_damaged)),
    "pickle": Parser(_pickles, _file("p", _unpickled)),
}

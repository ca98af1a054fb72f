"""Columns of a file of Arrow or Parquet."""

import os
import tempfile
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

import pooch
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from harness.core.digest import digest
from harness.core.errors import DataError
from harness.core.spec import did_you_mean
from harness.data.sources._items import AbstractItems
from harness.data.sources.digests import digest_of_file

__all__ = ["ArrowFile"]

ROWS = 1024  # in a batch of a file that is written here
PARQUET = ".parquet"


class ArrowFile(AbstractItems):
    """Columns of a `.arrow` or `.parquet` file: one column is one input, several are inputs by name.

    Of an Arrow file single rows can be read. A Parquet file is compressed in row groups, so a shuffled batch would
    decompress a group for every example: it is written once as an Arrow file, group by group, in the cache folder.

    Args:
        path: of the file.
        columns: the name of the column, of numbers or lists of numbers, or those of several.
        settings: `collate`, `normalize`, `workers` and `digest`, as in `AbstractItems`.

    Raises:
        DataError: the file cannot be read, or has no such column.
    """

    def __init__(self, path: str | Path, columns: str | Sequence[str], **settings: Any) -> None:
        super().__init__(**settings)
        self._path, self._columns = Path(path), columns
        names = [columns] if isinstance(columns, str) else list(columns)
        try:
            self._file = self._path if self._path.suffix != PARQUET else _as_arrow(self._path, names)
            reader = self._reader
            present = reader.schema.names
            sizes = [reader.get_batch(number).num_rows for number in range(reader.num_record_batches)]
        except (OSError, pa.ArrowException) as error:
            raise _fault(self._path, error) from None
        if missing := [name for name in names if name not in present]:
            raise DataError(f"no column {missing[0]!r} in {path}.{did_you_mean(missing[0], present)}")
        self._begins = [0, *accumulate(sizes)]
        self._valid: set[int] = set()

    def __len__(self) -> int:
        return int(self._begins[-1])

    def item(self, index: int) -> Any:
        """Return the columns of one row."""
        number = bisect_right(self._begins, index) - 1
        batch, row = self._batch(number), index - self._begins[number]
        if isinstance(self._columns, str):
            return _value(batch.column(self._columns)[row])
        return {name: _value(batch.column(name)[row]) for name in self._columns}

    def labels(self, column: str = "label") -> Tensor:
        """Return a column of classes `[N]`; it is read as a whole."""
        if self._path.suffix == PARQUET:
            return _classes(pq.read_table(self._path, columns=[column])[column], column, self._path)
        batches = [self._batch(number).column(column) for number in range(len(self._begins) - 1)]
        return _classes(pa.chunked_array(batches), column, self._path)

    def _batch(self, number: int) -> pa.RecordBatch:
        """Return some of the rows. Of damaged ones, which are found once, Arrow would end the process."""
        batch = self._reader.get_batch(number)
        if number not in self._valid:
            try:
                batch.validate(full=True)
            except pa.ArrowException as error:
                raise _fault(self._path, error) from None
            self._valid.add(number)
        return batch

    @cached_property
    def digest(self) -> str:
        """A digest of the file and the columns."""
        return f"{self._digest or digest_of_file(self._path)} {self._columns}"

    @cached_property
    def _reader(self) -> pa.RecordBatchFileReader:
        return pa.ipc.open_file(pa.memory_map(str(self._file)))


def _fault(path: Path, error: Exception) -> DataError:
    reason = str(error).partition("\n")[0]
    return DataError(f"expected an Arrow or Parquet file at {path}, found what cannot be read: {reason}")


def _value(scalar: pa.Scalar) -> Any:
    if isinstance(scalar, pa.ListScalar | pa.LargeListScalar | pa.FixedSizeListScalar):
        values = scalar.values
        if pa.types.is_primitive(values.type) and not values.null_count:
            return torch.from_numpy(values.to_numpy(zero_copy_only=False).copy())
    return scalar.as_py()


def _classes(column: pa.ChunkedArray, name: str, path: Path) -> Tensor:
    if not pa.types.is_integer(column.type) or column.null_count:
        found = f"{column.type} with {column.null_count} empty"
        raise DataError(f"expected whole numbers as classes in the column {name!r} of {path}, found {found}")
    return torch.from_numpy(column.to_numpy().copy()).long()


def _as_arrow(path: Path, columns: list[str]) -> Path:
    """Return an Arrow file with these columns of a Parquet file, written unless it is there."""
    folder = Path(pooch.os_cache("harness")) / "arrow"
    written = folder / f"{digest([digest_of_file(path), columns])[:32]}.arrow"
    if written.is_file():
        return written
    file = pq.ParquetFile(path)
    if missing := [name for name in columns if name not in file.schema_arrow.names]:
        raise DataError(f"no column {missing[0]!r} in {path}.{did_you_mean(missing[0], file.schema_arrow.names)}")
    schema = pa.schema([file.schema_arrow.field(name) for name in columns])
    folder.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=folder)
    os.close(handle)
    with pa.OSFile(unfinished, "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for batch in file.iter_batches(batch_size=ROWS, columns=columns):
            writer.write_batch(batch.select(columns))
    Path(unfinished).replace(written)  # at once, so that no process reads a half
    return written

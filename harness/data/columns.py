"""Columns of a CSV or Parquet file, with every fault named by column and row.

Rows are counted from 1; in a CSV file the row below the header is the first.
"""

import codecs
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from pyarrow import csv, parquet
from torch import Tensor

from harness.core.errors import DataError
from harness.core.spec import did_you_mean
from harness.core.written_numbers import has_separated_thousands, how_to_write, is_missing, written_number

__all__ = ["Columns", "read_columns"]


@dataclass(frozen=True)
class Columns:
    """Columns of equal length, read from the file at `path`, where `decimal` stands before fractions."""

    path: Path
    table: Any
    decimal: str = "."

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def numbers(self, name: str, *, empty: Sequence[str] = ()) -> Tensor:
        """Return a column as float64 `[N]`; with `empty`, fields without a value and those texts are NaN.

        Raises:
            DataError: a field is no finite number, nor empty where that may be.
        """
        column = self.table.column(name) if empty else self._complete(name)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            column = pc.utf8_trim_whitespace(column)
            column = pc.if_else(pc.is_in(column, pa.array(empty, column.type)), None, column) if empty else column
        written = self._with_points(column)
        try:
            values = np.array(written.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy())
        except pa.ArrowNotImplementedError:
            raise DataError(f"expected numbers in column {name!r} of {self.path}, found {column.type}") from None
        except pa.ArrowInvalid:
            row = next(number for number, value in enumerate(written) if value.is_valid and not _is_number(value))
            found = str(column[row].as_py())
            raise self._fault("a number", name, row, f"{found!r:.40}{self._hint(name, found)}") from None
        wrong = np.isinf(values) if empty else ~np.isfinite(values)
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise self._fault("a finite number", name, row, str(values[row]))
        return torch.from_numpy(values)

    def resolution(self, name: str) -> float:
        """Return the distance between neighboring numbers in a column, relative to their size."""
        stored = self.table.column(name).type
        single, half = pa.types.is_float32(stored), pa.types.is_float16(stored)
        return float(np.finfo(np.float16 if half else np.float32 if single else np.float64).eps)

    def texts(self, name: str) -> list[str]:
        """Return a column as texts, numbers as they are written. Raises `DataError` at an empty field."""
        values = [str(value).strip() for value in self._complete(name).to_pylist()]
        if "" in values:
            raise self._fault("a value", name, values.index(""), "nothing")
        return values

    def categories(self, name: str) -> Tensor:
        """Return a column as int64 `[N]`: each value's index among the sorted values."""
        values = self.texts(name)
        index_of = {value: index for index, value in enumerate(sorted(set(values)))}
        return torch.tensor([index_of[value] for value in values])

    def classes(self, name: str, names: Sequence[str] = ()) -> Tensor:
        """Return a column as classes int64 `[N]`: indices into `names`, or without names the numbers that it holds.

        Raises:
            DataError: a value is not among the names, or no whole number from 0 on.
        """
        if names:
            values, known = self.texts(name), {text: number for number, text in enumerate(names)}
            row = next((number for number, value in enumerate(values) if value not in known), None)
            if row is not None:
                raise self._fault(f"one of {', '.join(names)}", name, row, f"{values[row]!r:.80}")
            return torch.tensor([known[value] for value in values])
        numbers = self.numbers(name)
        wrong = ((numbers != numbers.round()) | (numbers < 0)).nonzero()
        if len(wrong):
            row = int(wrong[0])
            raise self._fault("a class 0, 1, 2, ... (texts need class_names)", name, row, f"{numbers[row]:g}")
        return numbers.long()

    def _hint(self, name: str, found: str) -> str:
        """Say how a field is read that is no number as it is."""
        other = {".": ",", ",": "."}[self.decimal]
        if found and is_missing(found):
            return f'; missing=("{found}",) and fill={{"{name}": "median"}} read it'
        if (number := written_number(found, other)) is not None:
            return f'; decimal="{other}" reads it as {number:g}'
        return f"; {how_to_write(self.decimal)}" if has_separated_thousands(found, self.decimal) else ""

    def _with_points(self, column: Any) -> Any:
        """Return numbers with a decimal comma as Arrow reads them; a point in such a number leaves none."""
        if self.decimal == "." or not pa.types.is_string(column.type):
            return column
        return pc.replace_substring(pc.replace_substring(column, ".", " "), self.decimal, ".")

    def _complete(self, name: str) -> Any:
        column = self.table.column(name)
        if column.null_count:
            raise self._fault("a value", name, pc.index(column.is_null(), True).as_py(), "nothing")
        return column.combine_chunks() if column.num_chunks else column

    def _fault(self, expected: str, name: str, row: int, found: str) -> DataError:
        return DataError(f"expected {expected} in column {name!r}, row {row + 1}, of {self.path}, found {found}")


def read_columns(path: Path, names: Iterable[str], *, delimiter: str = ",", decimal: str = ".") -> Columns:
    """Read the columns `names` of the CSV or Parquet file at `path`.

    Raises:
        DataError: it is no such file, has no rows, or a column is missing or occurs twice.
    """
    readers = {".csv": _read_csv, ".parquet": _read_parquet}
    if path.suffix not in readers:
        raise DataError(f"expected a table that ends in .csv or .parquet, found {path}")
    try:
        table = readers[path.suffix](path, list(dict.fromkeys(names)), delimiter)
    except UnicodeDecodeError as error:
        raise _encoding_fault(path, "the names of columns", f"byte 0x{error.object[error.start]:02x}") from None
    except (pa.ArrowException, OSError) as error:
        if _is_utf_16(path):
            raise _encoding_fault(path, "all", "the first bytes of UTF-16") from None
        if "UTF8" in str(error):
            raise _encoding_fault(path, "a column", "other bytes") from None
        reason = str(error).partition("\n")[0]
        raise DataError(f"expected a {path.suffix[1:]} file at {path}, found none that can be read: {reason}") from None
    if not table.num_rows:
        raise DataError(f"expected rows in {path}, found only names of columns")
    return Columns(path, table, decimal)


def _encoding_fault(path: Path, where: str, found: str) -> DataError:
    guess = "" if "UTF-16" in found else "; is its encoding Latin-1 or Windows-1252?"
    return DataError(f"expected texts in UTF-8 in {where} of {path}, found {found}{guess or ';'} save it as UTF-8")


def _is_utf_16(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _read_csv(path: Path, names: list[str], delimiter: str) -> Any:
    parse = csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    with csv.open_csv(path, parse_options=parse) as stream:
        _check_names(path, names, stream.schema.names)
    # As texts: what a column holds is decided by its use, not guessed from its first rows.
    convert = csv.ConvertOptions(include_columns=names, column_types=dict.fromkeys(names, pa.string()))
    return csv.read_csv(path, parse_options=parse, convert_options=convert)


def _read_parquet(path: Path, names: list[str], _: str) -> Any:
    with parquet.ParquetFile(path) as file:
        _check_names(path, names, file.schema_arrow.names)
        table = file.read(columns=names)
        table.validate(full=True)  # texts may be no texts
        return table


def _check_names(path: Path, names: list[str], present: list[str]) -> None:
    for name in names:
        if name not in present:
            raise DataError(f"no column {name!r} in {path}.{did_you_mean(name, present)}")
        if present.count(name) > 1:
            raise DataError(f"expected one column {name!r} in {path}, found {present.count(name)}; rename them")


def _is_number(value: Any) -> bool:
    try:
        value.cast(pa.float64())
    except pa.ArrowInvalid:
        return False
    return True

"""Columns of a CSV or Parquet file, with every fault named by column and row.

Rows are counted from 1; in a CSV file the row below the header is the first.
"""

import codecs
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
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
    """Columns of equal length, read from the file at `path`, where `decimal` stands before fractions.

    Attributes:
        rows: the number of each row in the file, from 0 on, if some are not among them.
        passed_over: how many are not.
    """

    path: Path
    table: Any
    decimal: str = "."
    rows: Sequence[int] | None = None
    passed_over: int = 0

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def without_empty_rows(self) -> "Columns":
        """Return the rows in which some column has a value; spreadsheets leave others below a table.

        Raises:
            DataError: there is no such row.
        """
        empty = np.ones(len(self), dtype=bool)
        for name in self.table.column_names:
            empty &= _is_empty(self.table.column(name))
            if not empty.any():
                return self
        if empty.all():
            raise DataError(f"expected values in {', '.join(self.table.column_names)} of {self.path}, found none")
        table, rows = self.table.filter(pa.array(~empty)), np.flatnonzero(~empty).tolist()
        return replace(self, table=table, rows=rows, passed_over=int(empty.sum()))

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

    def texts(self, name: str, *, fill: str = "", empty: Sequence[str] = ()) -> list[str]:
        """Return a column as texts, numbers as they are written; `fill` stands for fields without a value and `empty`.

        Raises:
            DataError: a field has no value, and nothing stands for it.
        """
        column = self.table.column(name) if fill else self._complete(name)
        values = ["" if value is None else str(value).strip() for value in column.to_pylist()]
        if fill:
            values = [fill if value in ("", *empty) else value for value in values]
        if "" in values:
            raise self._fault("a value", name, values.index(""), "nothing")
        return values

    def categories(self, name: str, *, fill: str = "", empty: Sequence[str] = ()) -> Tensor:
        """Return a column as int64 `[N]`: each text's index among the sorted ones, with `fill` as in `texts`."""
        values = self.texts(name, fill=fill, empty=empty)
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
        number = (row if self.rows is None else self.rows[row]) + 1
        return DataError(f"expected {expected} in column {name!r}, row {number}, of {self.path}, found {found}")


def read_columns(path: Path, names: Iterable[str], *, delimiter: str = ",", decimal: str = ".") -> Columns:
    """Read the columns `names` of the CSV or Parquet file at `path`; in the file, blanks may surround a name.

    Raises:
        DataError: it is no such file, has no rows, or a column is missing or occurs twice.
    """
    readers = {".csv": _read_csv, ".parquet": _read_parquet}
    suffix = path.suffix.lower()
    if suffix not in readers:
        raise DataError(f"expected a table that ends in .csv or .parquet, found {path}")
    try:
        table = readers[suffix](path, list(dict.fromkeys(names)), delimiter)
    except UnicodeDecodeError as error:
        raise _encoding_fault(path, "the names of columns", f"byte 0x{error.object[error.start]:02x}") from None
    except (pa.ArrowException, OSError) as error:
        if _is_utf_16(path):
            raise _encoding_fault(path, "all", "the first bytes of UTF-16") from None
        if "UTF8" in str(error):
            raise _encoding_fault(path, "a column", "other bytes") from None
        reason = str(error).partition("\n")[0]
        raise DataError(f"expected a {suffix[1:]} file at {path}, found none that can be read: {reason}") from None
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
        found = _found_names(path, names, stream.schema.names)
    # As texts: what a column holds is decided by its use, not guessed from its first rows.
    convert = csv.ConvertOptions(include_columns=found, column_types=dict.fromkeys(found, pa.string()))
    return csv.read_csv(path, parse_options=parse, convert_options=convert).rename_columns(names)


def _read_parquet(path: Path, names: list[str], _: str) -> Any:
    with parquet.ParquetFile(path) as file:
        found = _found_names(path, names, file.schema_arrow.names)
        table = file.read(columns=found).select(found)
        table.validate(full=True)  # texts may be no texts
        return table.rename_columns(names)


def _found_names(path: Path, names: list[str], present: list[str]) -> list[str]:
    """Return each name as it is in the file, where blanks may surround it."""
    return [_found_name(path, name, present) for name in names]


def _found_name(path: Path, name: str, present: list[str]) -> str:
    found = [other for other in present if other == name] or [other for other in present if other.strip() == name]
    if not found:
        raise DataError(f"no column {name!r} in {path}.{did_you_mean(name, [other.strip() for other in present])}")
    if len(found) > 1:
        raise DataError(f"expected one column {name!r} in {path}, found {len(found)}; rename them")
    return found[0]


def _is_empty(column: Any) -> Any:
    """Return which fields have no value, `[N]`."""
    empty = column.is_null()
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        empty = pc.or_kleene(empty, pc.equal(pc.utf8_trim_whitespace(column), ""))
    return empty.to_numpy()


def _is_number(value: Any) -> bool:
    try:
        value.cast(pa.float64())
    except pa.ArrowInvalid:
        return False
    return True

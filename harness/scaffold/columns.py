"""What the columns of a CSV file hold, seen in one pass; pandas and PyArrow are not loaded for it."""

import csv
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harness.core.errors import DataError

__all__ = ["DELIMITERS", "MOST_VALUES", "Column", "SeenTable", "read_table"]

DELIMITERS = (",", ";", "\t", "|")
DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
MOST_VALUES = 1000  # different ones that are kept of a column


@dataclass
class Column:
    """What one column holds.

    Attributes:
        counts: how often each value occurs, as it is written; of the first `MOST_VALUES` different ones.
        empty: the number of fields without a value.
        is_number: whether every value is a finite number; `is_whole` whether it is a whole one, such as 3.
        least: of the numbers; `greatest` likewise.
    """

    name: str
    decimal: str = "."
    counts: dict[str, int] = field(default_factory=dict)
    empty: int = 0
    is_number: bool = True
    is_whole: bool = True
    total: float = 0.0
    squares: float = 0.0
    least: float = math.inf
    greatest: float = -math.inf
    rows: int = 0

    def add(self, text: str) -> None:
        """Take in the value of one more row."""
        value = text.strip()
        self.rows += 1
        if not value:
            self.empty += 1
            return
        if value in self.counts or len(self.counts) <= MOST_VALUES:
            self.counts[value] = self.counts.get(value, 0) + 1
        if self.is_number:
            self._add_number(value)

    def _add_number(self, value: str) -> None:
        number = _finite(value, self.decimal)
        if number is None:
            self.is_number = self.is_whole = False
            return
        self.is_whole = self.is_whole and number == int(number)
        self.total, self.squares = self.total + number, self.squares + number * number
        self.least, self.greatest = min(self.least, number), max(self.greatest, number)

    @property
    def numbers_rows(self) -> bool:
        """Whether it only tells rows apart: whole numbers or texts, no two the same as far as was seen."""
        return (self.is_whole or not self.is_number) and len(self.counts) == min(self.rows, MOST_VALUES + 1)

    @property
    def counts_rows(self) -> bool:
        """Whether it holds consecutive whole numbers, each once."""
        return self.is_whole and not self.empty and self.numbers_rows and self.greatest - self.least == self.rows - 1

    @property
    def standard_deviation(self) -> float:
        """Of the numbers."""
        mean = self.total / self.rows
        return math.sqrt(max(self.squares / self.rows - mean * mean, 0.0))


@dataclass(frozen=True)
class SeenTable:
    """The columns of a CSV file, in order, what divides its fields, and what stands before fractions."""

    path: Path
    delimiter: str
    decimal: str
    columns: tuple[Column, ...]

    @property
    def rows(self) -> int:
        """The number of rows below the names."""
        return self.columns[0].rows


def read_table(path: Path) -> SeenTable:
    """Look through the CSV file at `path`.

    Raises:
        DataError: it cannot be read, has no rows, a name occurs twice, or a row has another number of fields.
    """
    if path.suffix != ".csv":
        raise DataError(f"expected a file that ends in .csv, found {path}; save the table as CSV")
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            seen = _read(path, stream, ".")
            if seen.delimiter == "," or not any(map(_has_decimal_comma, seen.columns)):
                return seen
            stream.seek(0)
            return _read(path, stream, ",")
    except OSError as error:
        raise DataError(f"expected a data file at {path}, found none that can be read ({error.strerror})") from None
    except (UnicodeDecodeError, csv.Error):
        raise DataError(f"expected texts in UTF-8 in {path}, found other bytes; save it as CSV in UTF-8") from None


def _has_decimal_comma(column: Column) -> bool:
    return not column.is_number and any(map(DECIMAL_COMMA.fullmatch, column.counts))


def _read(path: Path, stream: Iterator[str], decimal: str) -> SeenTable:
    header = next(stream, "")
    delimiter = max(DELIMITERS, key=header.count)
    names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise DataError(f"expected one column {twice!r} in {path}, found {names.count(twice)}; rename them")
    columns = tuple(Column(name, decimal) for name in names)
    for number, row in enumerate(csv.reader(stream, delimiter=delimiter), start=1):
        if not row:
            continue
        if len(row) != len(columns):
            raise DataError(f"expected {len(columns)} fields in row {number} of {path}, found {len(row)}")
        for column, value in zip(columns, row, strict=True):
            column.add(value)
    if not columns or not columns[0].rows:
        raise DataError(f"expected names of columns and rows in {path}, found no rows")
    return SeenTable(path, delimiter, decimal, columns)


def _finite(value: str, decimal: str) -> float | None:
    if decimal != "." and "." in value:
        return None
    try:
        number = float(value.replace(decimal, "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None

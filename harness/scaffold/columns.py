"""What the columns of a CSV file hold, seen in one pass; pandas and PyArrow are not loaded for it."""

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.core.errors import DataError
from harness.core.written_numbers import has_separated_thousands, is_missing, written_number

__all__ = ["DELIMITERS", "MOST_VALUES", "Column", "SeenTable", "read_table"]

DELIMITERS = (",", ";", "\t", "|")
MOST_VALUES = 1000  # different ones that are kept of a column


@dataclass
class Column:
    """What one column holds.

    Attributes:
        decimal: what stands before fractions.
        texts: how often each text occurs that is not blank; of the first `MOST_VALUES` different ones.
        numbers: how many fields hold a finite number; `least` and `greatest` are those of them.
        missing: how often each text occurs that stands for no value among numbers, such as `NA`.
        has_words: whether there is any other text; nothing is counted as a number any more.
    """

    name: str
    decimal: str = "."
    rows: int = 0
    blank: int = 0
    texts: dict[str, int] = field(default_factory=dict)
    numbers: int = 0
    missing: dict[str, int] = field(default_factory=dict)
    has_words: bool = False
    has_fractions: bool = False
    total: float = 0.0
    squares: float = 0.0
    least: float = math.inf
    greatest: float = -math.inf

    def add(self, text: str) -> None:
        """Take in the field of one more row."""
        value = text.strip()
        self.rows += 1
        if not value:
            self.blank += 1
            return
        if value in self.texts or len(self.texts) <= MOST_VALUES:
            self.texts[value] = self.texts.get(value, 0) + 1
        if not self.has_words:
            self._add_number(value)

    def _add_number(self, value: str) -> None:
        number = written_number(value, self.decimal)
        if number is not None:
            self.numbers += 1
            self.has_fractions = self.has_fractions or number != int(number)
            self.total, self.squares = self.total + number, self.squares + number * number
            self.least, self.greatest = min(self.least, number), max(self.greatest, number)
        elif is_missing(value):
            self.missing[value] = self.missing.get(value, 0) + 1
        else:
            self.has_words = True

    @property
    def is_number(self) -> bool:
        """Whether every field is a finite number, or empty."""
        return self.numbers > 0 and not self.has_words

    @property
    def is_whole(self) -> bool:
        """Whether every number is a whole one, such as 3."""
        return self.is_number and not self.has_fractions

    @property
    def empty(self) -> int:
        """The number of fields without a value."""
        return self.blank + (sum(self.missing.values()) if self.is_number else 0)

    @property
    def counts(self) -> Mapping[str, int]:
        """How often each value occurs, as it is written; of the first `MOST_VALUES` different ones."""
        return {text: count for text, count in self.texts.items() if not (self.is_number and text in self.missing)}

    @property
    def sorted_values(self) -> list[str]:
        """The values, numbers by their size."""
        return sorted(self.counts, key=lambda text: (written_number(text, self.decimal) if self.is_number else 0, text))

    @property
    def numbers_rows(self) -> bool:
        """Whether it only tells rows apart: whole numbers or texts, no two the same as far as was seen."""
        return (self.is_whole or not self.is_number) and len(self.counts) == min(self.rows, MOST_VALUES + 1)

    @property
    def counts_rows(self) -> bool:
        """Whether it holds consecutive whole numbers, each once."""
        return self.is_whole and not self.empty and self.numbers_rows and self.greatest - self.least == self.rows - 1

    @property
    def separated_thousands(self) -> str:
        """A number with separated thousands, such as 1,234, if those keep the column from being one of numbers."""
        separated = [text for text in self.texts if has_separated_thousands(text, self.decimal)]
        rest = self.texts.keys() - set(separated)
        if all(is_missing(text) or written_number(text, self.decimal) is not None for text in rest):
            return next(iter(separated), "")
        return ""

    @property
    def standard_deviation(self) -> float:
        """Of the numbers."""
        mean = self.total / self.numbers
        return math.sqrt(max(self.squares / self.numbers - mean * mean, 0.0))


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
            if seen.delimiter == "," or not any(map(_has_decimal_commas, seen.columns)):
                return seen
            stream.seek(0)
            return max(seen, _read(path, stream, ","), key=_count_numbers)
    except OSError as error:
        raise DataError(f"expected a data file at {path}, found none that can be read ({error.strerror})") from None
    except (UnicodeDecodeError, csv.Error):
        raise DataError(f"expected texts in UTF-8 in {path}, found other bytes; save it as CSV in UTF-8") from None


def _has_decimal_commas(column: Column) -> bool:
    """Say whether a text is a number with a comma before fractions, and nothing else: 1,234 may be 1234."""
    return any("," in text and written_number(text, ",") and not has_separated_thousands(text) for text in column.texts)


def _count_numbers(table: SeenTable) -> int:
    return sum(column.is_number for column in table.columns)


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

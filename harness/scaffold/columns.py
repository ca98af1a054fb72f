"""The columns of a CSV file, seen in one pass; pandas and PyArrow are not loaded for it."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, dropwhile
from pathlib import Path

from harness.core.errors import DataError
from harness.core.written_numbers import has_separated_thousands, written_number
from harness.scaffold.column import Column

__all__ = ["DELIMITERS", "SeenTable", "read_table"]

DELIMITERS = (",", ";", "\t", "|")
LONGEST_SHOWN = 40  # characters of a line that is no line of names


@dataclass(frozen=True)
class SeenTable:
    """The columns of a CSV file, in order, what divides its fields, and what stands before fractions."""

    path: Path
    delimiter: str
    decimal: str
    columns: tuple[Column, ...]

    @property
    def rows(self) -> int:
        """The number of rows below the names; those in which all fields are empty are none."""
        return self.columns[0].rows

    @property
    def begins_with_data(self) -> bool:
        """Whether the names seem to be a row: numbers, and not only whole ones such as years beside other names."""
        numbers = [written_number(column.name, self.decimal) for column in self.columns if column.name]
        known = [number for number in numbers if number is not None]
        if not known or not self.columns[0].name:  # which numbers of rows are often without
            return False
        return len(known) == len(numbers) or any(number != int(number) for number in known)


def read_table(path: Path) -> SeenTable:
    """Look through the CSV file at `path`.

    Raises:
        DataError: it cannot be read, has no rows, names are missing or occur twice, or a row has more or fewer fields.
    """
    if path.suffix.lower() != ".csv":
        raise DataError(f"expected a file that ends in .csv, found {path}; save the table as CSV")
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            seen = _read(path, stream, ".")
            if not any(map(_may_have_decimal_commas, seen.columns)):
                return seen
            stream.seek(0)
            return max(seen, _read(path, stream, ","), key=_count_numbers)
    except OSError as error:
        raise DataError(f"expected a data file at {path}, found none that can be read ({error.strerror})") from None
    except (UnicodeDecodeError, csv.Error):
        raise DataError(f"expected texts in UTF-8 in {path}, found other bytes; save it as CSV in UTF-8") from None


def _may_have_decimal_commas(column: Column) -> bool:
    """Say whether a text is a number if a comma stands before its fraction, such as 1,5 and 1.024,7."""
    return any(
        written_number(text, ",") is not None or has_separated_thousands(text, ",")
        for text in column.texts
        if "," in text
    )


def _count_numbers(table: SeenTable) -> int:
    """Count the columns of numbers, thousands that are separated among them."""
    return sum(
        (column.is_number and not (column.has_whole_numbers and column.perhaps_thousands))
        or bool(column.separated_thousands)
        for column in table.columns
    )


def _read(path: Path, stream: Iterator[str], decimal: str) -> SeenTable:
    lines = dropwhile(lambda line: not line.strip("\r\n"), stream)
    first = next(lines, "")
    delimiter = max(DELIMITERS, key=lambda mark: len(next(csv.reader([first], delimiter=mark), [])))
    rows = csv.reader(chain([first], lines), delimiter=delimiter)
    names = [name.strip() for name in next(rows, [])]
    _check_names(path, names, decimal, first)
    columns = tuple(Column(name, decimal) for name in names)
    for number, row in enumerate(filter(None, rows), start=1):
        if len(row) != len(columns):
            raise _fault_of_row(path, len(columns), number, len(row), first)
        if any(map(str.strip, row)):
            for column, value in zip(columns, row, strict=True):
                column.add(value, number)
    if not columns or not columns[0].rows:
        raise DataError(f"expected names of columns and rows in {path}, found no rows")
    if sum(not column.name and bool(column.texts) for column in columns) > sum(map(bool, names)):
        raise _no_names(path, f"{_shown(first)}, which leaves most columns without")
    return SeenTable(path, delimiter, decimal, columns)


def _check_names(path: Path, names: Sequence[str], decimal: str, first: str) -> None:
    if first.lower().startswith("sep=") and len(first.strip()) <= len("sep=;"):
        raise _no_names(path, _shown(first))
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is None:
        return
    if written_number(twice, decimal) is not None:
        raise DataError(
            f"expected names of columns in the first line of {path}, found {twice!r} twice; write names above"
        )
    raise DataError(f"expected one column {twice!r} in {path}, found {names.count(twice)}; rename them")


def _fault_of_row(path: Path, expected: int, number: int, found: int, first: str) -> DataError:
    if number == 1 and found > expected:
        return _no_names(path, f"{_shown(first)} above {found} fields")
    return DataError(f"expected {expected} fields in row {number} of {path}, found {found}")


def _no_names(path: Path, found: str) -> DataError:
    return DataError(
        f"expected a name for every column in the first line of {path}, found {found}; remove what is above the names"
    )


def _shown(line: str) -> str:
    text = line.strip()
    return repr(text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}...")

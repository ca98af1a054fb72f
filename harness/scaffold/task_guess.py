"""Which columns of a table are inputs, which is predicted, and how: a guess that its author reads and corrects."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.core.errors import DataError
from harness.core.spec import did_you_mean
from harness.core.written_numbers import how_to_tell
from harness.scaffold.column import Column
from harness.scaffold.columns import SeenTable
from harness.scaffold.doubts import doubts_about, tells_decimal
from harness.scaffold.left_out import FEWEST_GROUPS, may_be_thousands, names_groups, or_missing, reason_to_leave_out

__all__ = ["EMPTY", "ROWS_A_CLASS", "TaskGuess", "guess_task"]

LABEL_NAMES = ("label", "class", "target", "species", "category", "outcome", "diagnosis", "y")
MOST_CLASSES = 50
EMPTY = "unknown"  # the category of empty fields
ROWS_A_CLASS = 5  # on average, or whole numbers are values; with fewer, a class is not in every part


@dataclass(frozen=True)
class TaskGuess:
    """A task on a table.

    Attributes:
        label: the predicted column; `classes` are its values in the order of their numbers, none if it holds numbers.
        class_rows: how many rows each class has.
        inputs: columns; those in `categorical` become one input for each of their values.
        filled: how many fields are empty in each input that has such.
        missing: texts with which a field among those counts as empty.
        left_out: why each other column is not an input, by name.
        group: the column that says which rows belong together, if there is one.
        doubts: what the table's author is asked, one line each.
        width: the number of inputs of a network.
        spread: the standard deviation of a predicted number.
    """

    table: SeenTable
    label: str
    classes: tuple[str, ...]
    class_rows: tuple[int, ...]
    inputs: tuple[str, ...]
    categorical: tuple[str, ...]
    filled: Mapping[str, int]
    missing: tuple[str, ...]
    left_out: Mapping[str, str]
    group: str
    doubts: tuple[str, ...]
    width: int
    spread: float

    @property
    def is_numbered(self) -> bool:
        """Whether the classes are written as 0, 1, 2, ..., so that they need no names."""
        return self.classes == tuple(map(str, range(len(self.classes))))

    @property
    def fills(self) -> Mapping[str, str]:
        """What stands for the empty fields of each input that has such."""
        return {name: EMPTY if name in self.categorical else "median" for name in self.filled}

    def without_group(self) -> "TaskGuess":
        """Return the guess for rows that are divided each on its own."""
        return replace(self, group="")


def guess_task(table: SeenTable, label: str | None = None) -> TaskGuess:
    """Guess the task on a table: `label` is predicted, or else the column whose name says so, or else the last.

    Raises:
        DataError: there is no column `label`, it cannot be predicted, or no other column can be an input.
    """
    predicted = _predicted(table, label)
    settled = any(tells_decimal(column) for column in table.columns)
    classes = _classes(predicted, table, settled)
    others = [column for column in table.columns if column is not predicted]
    reasons = {column.name: reason_to_leave_out(column, table.delimiter, settled) for column in others}
    inputs = [column for column in others if not reasons[column.name]]
    if not inputs:
        raise DataError(f"expected a column that can be an input in {table.path}, found none: {_listed(reasons)}")
    categorical = [column for column in inputs if not column.is_number]
    missing = tuple(sorted({text for column in inputs if column.is_number for text in column.missing}))
    return TaskGuess(
        table=table,
        label=predicted.name,
        classes=classes,
        class_rows=tuple(predicted.counts[name] for name in classes),
        inputs=tuple(column.name for column in inputs),
        categorical=tuple(column.name for column in categorical),
        filled={column.name: column.empty for column in inputs if column.empty},
        missing=missing,
        left_out={name: reason for name, reason in reasons.items() if reason},
        group=_group(others),
        doubts=doubts_about(table, inputs, predicted, bool(classes)),
        width=len(inputs) - len(categorical) + sum(_categories(column, missing) for column in categorical),
        spread=0.0 if classes else predicted.standard_deviation,
    )


def _predicted(table: SeenTable, label: str | None) -> Column:
    known = {column.name: column for column in table.columns}
    if label is not None and label not in known:
        raise DataError(f"no column {label!r} in {table.path}.{did_you_mean(label, known)}")
    named = [column for column in table.columns if column.name.lower() in LABEL_NAMES]
    if label is not None:
        return known[label]
    known_values = [column for column in table.columns if column.name and column.texts]
    measured = [column for column in known_values if not (column.counts_rows or names_groups(column))]
    return (named or measured or known_values or table.columns)[-1]


def _classes(column: Column, table: SeenTable, settled: bool) -> tuple[str, ...]:
    """Return the classes of the predicted column, none if it holds numbers."""
    where = f"in column {column.name!r} of {table.path}"
    if column.empty:
        found = or_missing(f"{column.empty} of {column.rows} empty", column)
        raise DataError(
            f"expected a value in every row {where}, found {found}; remove those rows or name another --label"
        )
    if len(column.counts) == 1:
        raise DataError(f"expected different values {where}, found {next(iter(column.counts))!r} alone")
    few = len(column.counts) <= MOST_CLASSES and ROWS_A_CLASS * len(column.counts) <= column.rows
    if column.is_number and not (column.is_whole and few):
        _check_numbers(column, where, "" if settled else may_be_thousands(column, table.delimiter))
        return ()
    if column.is_mostly_numbers and column.numbers and not few:
        text, row = column.first_word
        found = f"{column.words} of {column.rows} fields that are none, such as {text!r:.40} in row {row}"
        raise DataError(f"expected numbers {where}, found {found}; correct them or name another --label")
    if not few:
        raise DataError(
            f"expected at most {MOST_CLASSES} classes with {ROWS_A_CLASS} rows each on average {where}, "
            f"found {len(column.counts)} different texts in {column.rows} rows; name another column with --label"
        )
    return tuple(column.sorted_values)


def _check_numbers(column: Column, where: str, ambiguous: str) -> None:
    if ambiguous:
        found = f"{ambiguous!r}, a fraction or with separated thousands"
        raise DataError(
            f"expected numbers that can be read in one way {where}, found {found}; {how_to_tell(column.decimal)}"
        )
    if not math.isfinite(column.standard_deviation):
        raise DataError(f"expected numbers below 1e150 {where}, found {column.greatest:g}; write them in a larger unit")
    if column.least == column.greatest:
        raise DataError(f"expected different values {where}, found {column.least:g} alone")
    if column.rows < ROWS_A_CLASS:
        raise DataError(
            f"expected at least {ROWS_A_CLASS} rows {where}, found {column.rows}; they are divided in three"
        )


def _group(columns: list[Column]) -> str:
    """Return the column with the largest groups of rows that belong together, if they are enough to be divided."""
    found = [column for column in columns if names_groups(column) and not column.empty]
    found = [column for column in found if len(column.counts) >= FEWEST_GROUPS]
    return min(found, key=lambda column: len(column.counts)).name if found else ""


def _categories(column: Column, missing: Sequence[str]) -> int:
    """Return the number of a column's categories, of which one stands for empty fields if there are any."""
    return len((column.counts.keys() - set(missing)) | {EMPTY} if column.empty else column.counts)


def _listed(reasons: Mapping[str, str]) -> str:
    return "; ".join(f"{name!r}: {reason}" for name, reason in reasons.items())

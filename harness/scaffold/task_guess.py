"""Which columns of a table are inputs, which is predicted, and how: a guess that its author reads and corrects."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.core.errors import DataError
from harness.core.spec import did_you_mean
from harness.core.written_numbers import how_to_write
from harness.scaffold.columns import Column, SeenTable

__all__ = ["TaskGuess", "guess_task"]

LABEL_NAMES = ("label", "class", "target", "species", "category", "outcome", "diagnosis", "y")
MOST_CLASSES = 50
MOST_CATEGORIES = 20  # of an input; each becomes an input of its own
MOST_EMPTY = 0.2  # of a column of numbers that is an input all the same
ROWS_A_CLASS = 5  # on average, or whole numbers are values


@dataclass(frozen=True)
class TaskGuess:
    """A task on a table.

    Attributes:
        label: the predicted column; `classes` are its values in the order of their numbers, none if it holds numbers.
        inputs: columns; those in `categorical` become one input for each of their values.
        filled: how many fields are empty in each input of numbers that has such.
        missing: texts with which a field among those counts as empty.
        left_out: why each other column is not an input, by name.
        width: the number of inputs of a network.
        spread: the standard deviation of a predicted number.
    """

    table: SeenTable
    label: str
    classes: tuple[str, ...]
    inputs: tuple[str, ...]
    categorical: tuple[str, ...]
    filled: Mapping[str, int]
    missing: tuple[str, ...]
    left_out: Mapping[str, str]
    width: int
    spread: float

    @property
    def is_numbered(self) -> bool:
        """Whether the classes are written as 0, 1, 2, ..., so that they need no names."""
        return self.classes == tuple(map(str, range(len(self.classes))))


def guess_task(table: SeenTable, label: str | None = None) -> TaskGuess:
    """Guess the task on a table: `label` is predicted, or else the column whose name says so, or else the last.

    Raises:
        DataError: there is no column `label`, it cannot be predicted, or no other column can be an input.
    """
    predicted = _predicted(table, label)
    classes = _classes(predicted, table)
    reasons = {column.name: _reason_to_leave_out(column) for column in table.columns if column is not predicted}
    inputs = [column for column in table.columns if reasons.get(column.name) == ""]
    if not inputs:
        raise DataError(f"expected a column that can be an input in {table.path}, found none: {_listed(reasons)}")
    categorical = [column for column in inputs if not column.is_number]
    return TaskGuess(
        table,
        predicted.name,
        classes,
        tuple(column.name for column in inputs),
        tuple(column.name for column in categorical),
        {column.name: column.empty for column in inputs if column.empty},
        tuple(sorted({text for column in inputs if column.is_number for text in column.missing})),
        {name: reason for name, reason in reasons.items() if reason},
        len(inputs) - len(categorical) + sum(len(column.counts) for column in categorical),
        0.0 if classes else predicted.standard_deviation,
    )


def _predicted(table: SeenTable, label: str | None) -> Column:
    known = {column.name: column for column in table.columns}
    if label is not None and label not in known:
        raise DataError(f"no column {label!r} in {table.path}.{did_you_mean(label, known)}")
    named = [column for column in table.columns if column.name.lower() in LABEL_NAMES]
    if label is not None:
        return known[label]
    return (named or [column for column in table.columns if not column.counts_rows] or table.columns)[-1]


def _classes(column: Column, table: SeenTable) -> tuple[str, ...]:
    """Return the classes of the predicted column, none if it holds numbers."""
    where = f"in column {column.name!r} of {table.path}"
    if column.empty:
        found = _or_missing(f"{column.empty} empty", column)
        raise DataError(f"expected a value in every row {where}, found {found}; name another --label")
    if len(column.counts) == 1:
        raise DataError(f"expected different values {where}, found {next(iter(column.counts))!r} alone")
    few = len(column.counts) <= MOST_CLASSES and ROWS_A_CLASS * len(column.counts) <= column.rows
    if column.is_number and not (column.is_whole and few):
        return ()
    if not few:
        raise DataError(
            f"expected at most {MOST_CLASSES} classes with {ROWS_A_CLASS} rows each on average {where}, "
            f"found {len(column.counts)} different texts in {column.rows} rows; name another column with --label"
        )
    return tuple(column.sorted_values)


def _reason_to_leave_out(column: Column) -> str:
    """Say why a column cannot be an input; nothing if it can."""
    if not column.name:
        return "it has no name"
    if column.empty > (MOST_EMPTY * column.rows if column.is_number else 0):
        return _or_missing(f"{column.empty} of {column.rows} fields are empty", column)
    if len(column.counts) == 1:
        return "it is constant"
    if found := column.separated_thousands:
        return f"it has numbers such as {found!r}; {how_to_write(column.decimal)}"
    if column.numbers_rows and (not column.is_number or column.counts_rows or _is_identifier(column.name)):
        return "it is different in every row"
    if not column.is_number and len(column.counts) > MOST_CATEGORIES:
        return f"it has {len(column.counts)} different texts, such as {column.sorted_values[0]!r:.40}"
    return ""


def _or_missing(empty: str, column: Column) -> str:
    """Name the texts, too, that stand for no value in a column of numbers."""
    missing = column.missing if column.is_number else ()
    return " or ".join([empty, *map(repr, missing)])


def _is_identifier(name: str) -> bool:
    return name.lower() in ("id", "index", "row", "no", "number") or name.lower().endswith(("_id", " id"))


def _listed(reasons: Mapping[str, str]) -> str:
    return "; ".join(f"{name!r}: {reason}" for name, reason in reasons.items())

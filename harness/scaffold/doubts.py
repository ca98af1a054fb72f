"""What may be wrong with a table though it can be read: one line each, the worst first."""

from collections.abc import Callable, Iterator, Sequence

from harness.core.written_numbers import how_to_tell
from harness.scaffold.column import Column
from harness.scaffold.columns import SeenTable

__all__ = ["doubts_about", "tells_decimal"]


def doubts_about(table: SeenTable, inputs: Sequence[Column], label: Column, is_classes: bool) -> tuple[str, ...]:
    """Return what the author of a table is asked.

    Args:
        table: as it was seen.
        inputs: the columns that are inputs.
        label: the predicted column.
        is_classes: whether it is one of classes.
    """
    return (
        *_about_names(table),
        *(line for column in (*inputs, label) for line in _about_thousands(column, table)),
        *(_about_classes(label) if is_classes else _about_sentinels(label, is_input=False)),
        *(line for column in inputs for line in _about_sentinels(column, is_input=True)),
    )


def _about_names(table: SeenTable) -> Iterator[str]:
    if table.begins_with_data:
        first = ", ".join(column.name for column in table.columns[:3])
        yield f"the first line seems to be data ({first}, ...); write the names of columns above it"


def _about_thousands(column: Column, table: SeenTable) -> Iterator[str]:
    settled = any(tells_decimal(other) for other in table.columns)
    mixed = column.has_whole_numbers
    if not settled and (mixed or table.delimiter != ",") and (found := column.perhaps_thousands):
        yield f"{found} of {column.name!r} is read as a fraction; if it is not one, {how_to_tell(column.decimal)}"


def tells_decimal(column: Column) -> bool:
    """Whether a column has numbers whose fractions cannot be thousands."""
    return column.is_number and column.has_fractions and not column.perhaps_thousands


def _about_classes(label: Column) -> Iterator[str]:
    alike: Callable[[str], object] = label.number_of if label.is_number else str.casefold
    seen: dict[object, str] = {}
    for text in label.sorted_values:
        if (other := seen.setdefault(alike(text), text)) != text:
            yield f"{other!r} and {text!r} of {label.name!r} are different classes; write them alike if they are one"
    if label.is_mostly_numbers and label.numbers:
        text, row = label.first_word
        yield f"{label.name!r} has classes that are numbers, and words, such as {text!r} in row {row}"


def _about_sentinels(column: Column, *, is_input: bool) -> Iterator[str]:
    if text := column.sentinel:
        fill = f'write missing=("{text}",) and fill={{"{column.name}": "median"}}'
        done = fill if is_input else "remove those rows"
        found = f"{text} in {column.counts[text]} rows, far from all others"
        yield f"{column.name!r} is {found}; if no value is known there, {done}"

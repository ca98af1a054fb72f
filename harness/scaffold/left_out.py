"""Why a column of a table is no input."""

import re

from harness.core.written_numbers import how_to_tell, how_to_write
from harness.scaffold.column import Column

__all__ = ["FEWEST_GROUPS", "MOST_CATEGORIES", "may_be_thousands", "names_groups", "or_missing", "reason_to_leave_out"]

MOST_CATEGORIES = 20  # of an input; each becomes an input of its own
MOST_EMPTY = 0.2  # of a column that is an input all the same
FEWEST_GROUPS = 10  # from which on they are divided into parts
IDENTIFIER = re.compile(r"(.*[ _.-])?([iI][dD]|uuid)|.*[a-z]I[dD]", re.DOTALL)
NUMBERED = ("index", "row", "no", "number")
NAMED = ("customer", "donor", "household", "participant", "patient", "person", "subject", "user")


def reason_to_leave_out(column: Column, delimiter: str, settled: bool) -> str:
    """Say why a column cannot be an input; nothing if it can.

    Args:
        column: of the table.
        delimiter: of the table.
        settled: whether other columns tell what stands before fractions.
    """
    if not column.name:
        return "it has no name"
    if column.empty > MOST_EMPTY * column.rows:
        return or_missing(f"{column.empty} of {column.rows} fields are empty", column)
    if len(column.counts) == 1:
        return "it is constant"
    if names_groups(column):
        return "it seems to name what rows belong to; see Parts(group=...)"
    if found := column.separated_thousands:
        return f"it has numbers such as {found!r}; {how_to_write(column.decimal)}"
    if not settled and (found := may_be_thousands(column, delimiter)):
        return f"{found!r} is a fraction or has separated thousands; {how_to_tell(column.decimal)}"
    if column.is_mostly_numbers and (column.numbers or len(column.counts) > MOST_CATEGORIES):
        (text, row), found = column.first_word, "is not a number" if column.words == 1 else "are not numbers"
        return f"{column.words} of {column.rows} fields {found}, such as {text!r:.40} in row {row}"
    if column.numbers_rows and (not column.is_number or column.counts_rows or _is_identifier(column.name)):
        return "it is different in every row"
    if not column.is_number and len(column.counts) > MOST_CATEGORIES:
        return f"it has {len(column.counts)} different texts, such as {column.sorted_values[0]!r:.40}"
    return ""


def may_be_thousands(column: Column, delimiter: str) -> str:
    """Return a number of a column that is 2.365 or 2365, if whole numbers stand beside it and fields in no commas."""
    return column.perhaps_thousands if delimiter != "," and column.has_whole_numbers else ""


def names_groups(column: Column) -> bool:
    """Whether a column seems to say which rows belong together, such as those of one patient."""
    named = IDENTIFIER.fullmatch(column.name.strip()) or column.name.lower() in NAMED
    return bool(named) and column.has_repeats and (column.is_whole or not column.is_number)


def or_missing(empty: str, column: Column) -> str:
    """Name the texts, too, that stand for no value in a column of numbers."""
    missing = column.missing if column.is_number else ()
    return " or ".join([empty, *map(repr, missing)])


def _is_identifier(name: str) -> bool:
    return name.lower() in (*NUMBERED, *NAMED) or IDENTIFIER.fullmatch(name) is not None

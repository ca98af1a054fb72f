"""A table: what a reader sees, and the same numbers at full precision for a program."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from harness.core.digest import canonical_json

__all__ = ["ReportTable", "csv_bytes", "table_of_numbers", "table_of_words"]

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class ReportTable:
    """A table.

    Attributes:
        rows: cells as they are read, below `head`; `numeric` says which columns are aligned to the right.
        frame: the same at full precision.
    """

    name: str
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]
    frame: pd.DataFrame
    note: str = ""

    def _repr_html_(self) -> str:
        shown: str = pd.DataFrame(list(self.rows), columns=list(self.head)).to_html(index=False)
        return shown


def table_of_numbers(
    name: str, title: str, rows: list[dict[str, str]], frame: pd.DataFrame, left: int = 1, note: str = ""
) -> ReportTable:
    """Make a table whose first `left` columns are words; the heads are the keys of the rows."""
    head = tuple(rows[0]) if rows else tuple(frame.columns)
    cells = tuple(tuple(row.values()) for row in rows)
    return ReportTable(name, title, head, cells, tuple(place >= left for place in range(len(head))), frame, note)


def table_of_words(
    name: str, title: str, columns: Sequence[str], rows: Sequence[tuple[str, ...]], note: str = ""
) -> ReportTable:
    """Make a table without numbers."""
    frame = pd.DataFrame(rows, columns=list(columns))
    return ReportTable(name, title, tuple(columns), tuple(rows), (False,) * len(columns), frame, note)


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """Write a frame at full precision; a text that a spreadsheet would run as a formula is prefixed with `'`."""
    texts = frame.select_dtypes(exclude=["number", "bool"])
    safe = frame.assign(**{str(name): [_cell(value) for value in texts[name]] for name in texts})
    content: str = safe.rename(columns=_cell).to_csv(index=False, lineterminator="\n")
    return content.encode(errors="backslashreplace")


def _cell(value: Any) -> Any:
    text = canonical_json(value) if isinstance(value, dict | list | tuple) else value
    return f"'{text}" if isinstance(text, str) and text.startswith(FORMULA_SIGNS) else text

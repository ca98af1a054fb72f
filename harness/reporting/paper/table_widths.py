"""How a table fits on a page: the size of its letters, the width of each column, and its parts if it is too wide."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from harness.reporting.paper.letters import LINES, em, pieces
from harness.reporting.tables._base import ReportTable

__all__ = ["FittedTable", "fitted"]

GAP = 1.5  # em between two columns
LONGEST_NUMBER = 16  # letters; longer ones may be divided


@dataclass(frozen=True)
class FittedTable:
    """A table that fits into a line.

    Attributes:
        size: of the letters, in LaTeX.
        line: the em in a line of theirs.
        widths: of each column, in em.
        breaks: whether lines in a cell break; otherwise each column is as wide as what it holds.
    """

    table: ReportTable
    size: str
    line: float
    widths: tuple[float, ...]
    breaks: bool


def fitted(table: ReportTable) -> list[FittedTable]:
    """Return the table as it fits, in parts if it is wider than any page.

    Columns are as wide as what they hold where that is possible; otherwise their lines break, in smaller letters if
    need be. Each part has the columns that name the rows.
    """
    needed, most = _needed_widths(table), max(LINES.values())
    if _all(needed) <= most:
        return [_fitted(table, needed)]
    return [_fitted(part, _needed_widths(part)) for part in _parts(table, needed, most)]


def _fitted(table: ReportTable, needed: Sequence[float]) -> FittedTable:
    wanted = [max(map(em, column)) for column in _columns(table)]
    size, line = next(iter(LINES.items()))
    if _all(wanted) <= line:
        return FittedTable(table, size, line, tuple(wanted), breaks=False)
    size, line = next((item for item in LINES.items() if _all(needed) <= item[1]), [*LINES.items()][-1])
    missing = [more - least for more, least in zip(wanted, needed, strict=True)]
    share = max(0.0, min(1.0, (line - _all(needed)) / max(1.0, sum(missing))))
    widths = (least + share * more for least, more in zip(needed, missing, strict=True))
    return FittedTable(table, size, line, tuple(widths), breaks=True)


def _parts(table: ReportTable, needed: Sequence[float], line: float) -> list[ReportTable]:
    """Divide a table between its columns."""
    naming = _naming_columns(table)
    groups: list[list[int]] = [[]]
    for place in (place for place in range(len(needed)) if place not in naming):
        if groups[-1] and _all([needed[one] for one in (*naming, *groups[-1], place)]) > line:
            groups.append([])
        groups[-1].append(place)
    return [
        _part(table, sorted({*naming, *group}), number, len(groups)) for number, group in enumerate(groups, start=1)
    ]


def _part(table: ReportTable, places: Sequence[int], number: int, count: int) -> ReportTable:
    def of(cells: Sequence[str]) -> tuple[str, ...]:
        return tuple(cells[place] for place in places)

    return replace(
        table,
        name=table.name if number == 1 else f"{table.name}-{number}",
        title=f"{table.title}, part {number} of {count}",
        head=of(table.head),
        rows=tuple(map(of, table.rows)),
        numeric=tuple(table.numeric[place] for place in places),
        note=table.note if number == 1 else "",
    )


def _naming_columns(table: ReportTable) -> list[int]:
    """Return the first columns that tell apart the rows that any columns do; the first if there is nothing to tell."""
    named: list[tuple[str, ...]] = [() for _ in table.rows]
    naming: list[int] = []
    for place in range(len(table.head)):
        finer = [(*before, row[place]) for before, row in zip(named, table.rows, strict=True)]
        if len(set(finer)) > len(set(named)):
            named, naming = finer, [*naming, place]
    return naming or [0]


def _needed_widths(table: ReportTable) -> list[float]:
    """Return how wide each column must be for all of a number, and the longest word."""
    return [
        max((em(piece) for text in column for piece in _whole(text, numeric=numeric)), default=0.0)
        for column, numeric in zip(_columns(table), table.numeric, strict=True)
    ]


def _all(widths: Sequence[float]) -> float:
    """Return how wide a table is, gaps included."""
    return sum(widths) + GAP * len(widths)


def _whole(text: str, *, numeric: bool) -> Iterator[str]:
    """Yield what stays in one line of a cell."""
    if numeric and len(text) <= LONGEST_NUMBER and any(map(str.isdigit, text)):
        yield text
    else:
        yield from (piece for word in text.split() for piece in pieces(word))


def _columns(table: ReportTable) -> list[tuple[str, ...]]:
    return list(zip(table.head, *table.rows, strict=True))

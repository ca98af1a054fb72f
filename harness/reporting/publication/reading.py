"""What a reader reads of a report, page by page: which tables the text tells, and which words are explained where."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from harness.reporting.figures._base import ReportFigure
from harness.reporting.sections import Section
from harness.reporting.tables._base import ReportTable
from harness.reporting.text.words import Word, used_in

__all__ = ["HEAD", "elsewhere_of", "explained", "told_tables", "untold_tables", "words_of_part"]

HEAD = "verdict"  # stands for what comes before all sections
# The tables of report.md, the most important first; those for which there is no room are in details.md.
TOLD = (
    "standing",
    "primary",
    "arms",
    "secondary",
    "runs_by_arm",
    "search_space",
    "arrival_measures",
    "outcomes",
    "controls",
    "power",
)
MOST_TOLD = 450  # words of all tables of report.md
Part = ReportFigure | ReportTable


def told_tables(tables: Mapping[str, ReportTable]) -> tuple[str, ...]:
    """Return the names of the tables that `report.md` tells, as many as there is room for."""
    told, left = [], MOST_TOLD
    for name in TOLD:
        if name in tables and tables[name].rows and _length(tables[name]) <= left:
            told.append(name)
            left -= _length(tables[name])
    return tuple(told)


def _length(table: ReportTable) -> int:
    """Count the words of a table in Markdown, where bars count as words."""
    rows = [table.head, table.head, *table.rows]
    return sum(len(cell.split()) + 1 for row in rows for cell in row) + len(table.note.split())


def untold_tables(
    sections: Sequence[Section], tables: Mapping[str, ReportTable], told: Sequence[str]
) -> list[tuple[Section, tuple[str, ...]]]:
    """Return the sections of the report with those of their tables that `report.md` does not tell."""
    found = [
        (section, tuple(name for name in (*section.parts, *section.folded) if name in tables and name not in told))
        for section in sections
        if section.page == "report"
    ]
    return [(section, names) for section, names in found if names]


def elsewhere_of(
    sections: Sequence[Section], parts: Mapping[str, Part], told: Sequence[str]
) -> dict[str, list[tuple[str, str]]]:
    """Return, by anchor, the titles of what `report.md` leaves out and the files in which they are."""
    found = {
        section.anchor: [
            (parts[name].title, "details.md" if isinstance(parts[name], ReportTable) else "report.html")
            for name in (*section.parts, *section.folded)
            if name not in told and (name in section.folded or isinstance(parts[name], ReportTable))
        ]
        for section in sections
    }
    return {anchor: titles for anchor, titles in found.items() if titles}


def words_of_part(part: Part) -> str:
    """Return what is read of a figure or a table."""
    if isinstance(part, ReportFigure):
        return f"{part.title}\n{part.caption}"
    return "\n".join([part.title, *part.head, *(row[0] for row in part.rows if row), part.note])


def explained(
    head: Iterable[str], sections: Sequence[Section], read: Callable[[Section], Iterable[str]]
) -> dict[str, tuple[Word, ...]]:
    """Return the words to explain, by anchor, each where a reader first meets it.

    Args:
        head: what is read before all sections.
        sections: in the order in which they are read.
        read: what is read of the figures and tables of a section.
    """
    found = {HEAD: used_in(head)}
    for section in sections:
        known = [word.word for words in found.values() for word in words]
        found[section.anchor] = used_in([section.title, *section.sentences, *read(section)], known)
    return found

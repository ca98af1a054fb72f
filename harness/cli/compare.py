"""`harness compare`: two reports of one study, side by side."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from harness.reporting.statistics import Interval
    from harness.reporting.verification.compare import Side, SideBySide

__all__ = ["compare"]

MOST = 12


def compare(
    report: Annotated[Path, typer.Argument(help="The folder of a report.")],
    other: Annotated[Path, typer.Argument(help="The folder of another report of the same study.")],
) -> None:
    """Set two reports of one study side by side: what they say, by how much it changed, in what they differ."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from harness.reporting.verification.compare import compare_reports

    found = compare_reports(report, other)
    table = Table("", escape(str(report)), escape(str(other)))
    for name, *cells in _rows(found):
        table.add_row(name, *map(escape, cells))
    Console().print(table)
    for line in _lines(found):
        typer.echo(line)


def _rows(found: "SideBySide") -> list[tuple[str, str, str]]:
    one, other = found.sides
    unit = f" ({found.measure.unit})" if found.measure.unit else ""
    return [
        ("verdict", one.kind, other.kind),
        (f"difference{unit}", _estimate(found, one), _estimate(found, other)),
        ("configurations", str(one.comparison.mean.units), str(other.comparison.mean.units)),
        ("pairs of runs", str(len(one.comparison.pairs)), str(len(other.comparison.pairs))),
    ]


def _estimate(found: "SideBySide", side: "Side") -> str:
    mean = side.comparison.mean
    return found.measure.difference(mean.mean) + _ends(found, mean.interval)


def _ends(found: "SideBySide", interval: "Interval | None") -> str:
    if interval is None:
        return ""
    return f" [{found.measure.difference(interval.low)}, {found.measure.difference(interval.high)}]"


def _lines(found: "SideBySide") -> list[str]:
    change = found.change
    amount = found.measure.difference(change.mean) + (_ends(found, change.interval) or " (too few for an interval)")
    how = "not paired, since too few configurations are in both"
    if change.configurations:
        how = f"over the {change.configurations} configurations that are in both"
    return [
        f"The difference in {found.measure.title} changed by {amount} {found.measure.unit}, {how}.",
        f"Runs in both: {found.runs}; with the same results to the bit: {found.equal_metrics}; with the same history: "
        f"{found.equal_histories}.",
        _differences("The studies", found.spec),
        _differences("The environments", found.environment),
    ]


def _differences(what: str, found: tuple[str, ...]) -> str:
    if not found:
        return f"{what} are the same."
    more = f"; and {len(found) - MOST} more" if len(found) > MOST else ""
    return f"{what} differ: {'; '.join(found[:MOST])}{more}."

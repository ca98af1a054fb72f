"""`harness render`: all figures and tables of a report that was published."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["render"]


def render(
    report: Annotated[Path, typer.Argument(help="The folder of a report.")],
    out: Annotated[Path | None, typer.Option(help="Where to, if not into the report's own folder.")] = None,
    published: Annotated[
        bool, typer.Option("--published", help="Write anew only what is published, as harness report --out does.")
    ] = False,
) -> None:
    """Write all figures (PNG, SVG, CSV) and tables (CSV) of a report, from the data that it holds.

    With --out, the whole report is written anew, also one that an earlier version of harness wrote.
    """
    from harness.reporting.render import render as rendered

    written = rendered(report, out, published=published)
    typer.echo(f"Files written: {written.written}")
    typer.echo(f"Report:        {written.folder / 'report.html'}")

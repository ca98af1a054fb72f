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
    paper: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write tables as LaTeX, figures as PDF, a paragraph on methods, and BibTeX there instead.",
        ),
    ] = None,
) -> None:
    """Write all figures (PNG, SVG, CSV) and tables (CSV) of a report, from the data that it holds.

    With --out, the whole report is written anew, also one that an earlier version of harness wrote. With --paper, what
    a paper takes from it is written elsewhere, since a report has no other files than its manifest names.
    """
    if paper:
        from harness.reporting.paper.write_paper import write_paper

        typer.echo(f"Files written: {write_paper(report, paper)}, methods.md among them, into {paper}")
        return
    from harness.reporting.render import render as rendered

    written = rendered(report, out, published=published)
    typer.echo(f"Files written: {written.written}")
    typer.echo(f"Report:        {written.folder / 'report.html'}")

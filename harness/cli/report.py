"""`harness report`: what a study came to."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options
from harness.reporting.collection import uncollected

__all__ = ["report"]


def report(
    study: Annotated[str, typer.Argument(help="A study that was begun in this home.")],
    out: Annotated[
        Path | None, typer.Option(help="Publish it here: what people read, and the data that all else follows from.")
    ] = None,
    home: options.Home = Path("runs"),
    storage: options.Storage = None,
) -> None:
    """Write the report of a study; of a half-finished one, what there is.

    It goes to <home>/reports/STUDY with all figures and tables, or to --out without those that `harness render` writes.
    """
    with uncollected():
        from harness.reporting.report import write_report

        workspace = options.open_workspace(home, storage)
        written = write_report(workspace, study, out or workspace.report_folder(study), whole=out is None)
    typer.echo(f"{written.verdict}\n")
    typer.echo(f"Report:  {written.folder / 'report.html'}")

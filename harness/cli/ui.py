"""`harness ui`: the MLflow pages of everything that was run."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import Home

__all__ = ["ui"]


def ui(
    study: Annotated[str | None, typer.Argument(help="The study to link to; all of them, if none is given.")] = None,
    port: Annotated[int | None, typer.Option(help="If not 5000, or any free one where that is taken.")] = None,
    home: Home = Path("runs"),
) -> None:
    """Start the MLflow UI on this machine alone, until Ctrl-C."""
    from harness.tracking.ui import start_ui

    typer.echo("Starting MLflow ...")
    with start_ui(home, port) as server:
        typer.echo(f"MLflow UI:  {server.link(study) if study else server.url}")
        typer.echo("Ctrl-C stops it.")
        try:
            server.wait()
        except KeyboardInterrupt:
            typer.echo("Stopped.")

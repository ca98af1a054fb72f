"""`harness ui`: the MLflow pages of everything that was run."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import Home
from harness.core.errors import HarnessError

__all__ = ["ui"]


def ui(
    study: Annotated[str | None, typer.Argument(help="The study to link to; all of them, if none is given.")] = None,
    port: Annotated[int | None, typer.Option(help="If not 5000, or any free one where that is taken.")] = None,
    host: Annotated[
        str, typer.Option(help="The address to answer at; by default only this machine can.")
    ] = "127.0.0.1",
    home: Home = Path("runs"),
) -> None:
    """Start the MLflow UI on this machine alone, until Ctrl-C."""
    from harness.tracking.mlflow.pages import compare_page, curves_page, runs_page
    from harness.tracking.mlflow.ui import is_private, start_ui

    if not is_private(host):
        typer.echo(
            f"harness: MLflow asks nobody for a password: whoever can reach {host} will be able to read, change and "
            "delete everything in it",
            err=True,
        )
    typer.echo("Starting MLflow ...")
    with _term_as_interrupt(), start_ui(home, port, host) as server:
        if study is None:
            typer.echo(f"MLflow UI:  {server.url}")
        else:
            typer.echo(f"All runs:      {runs_page(server.url, study)}")
            typer.echo(f"Curves:        {curves_page(server.url, study)}")
            typer.echo(f"Compare arms:  {compare_page(server.url, study) or 'when a run of each has ended'}")
        typer.echo("Ctrl-C stops it.")
        try:
            server.wait()
        except KeyboardInterrupt:
            typer.echo("Stopped.")
        else:
            raise HarnessError(f"the MLflow server has ended by itself; {home / 'mlflow_ui.log'} may say why")


@contextmanager
def _term_as_interrupt() -> Iterator[None]:
    """Take SIGTERM for Ctrl-C: whoever ends this process must not leave the server behind."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
